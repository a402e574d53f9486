#include <comoq/origin.hpp>

int announced(const comoq::Origin &origin);

int main() {
    const comoq::Origin origin;
    return announced(origin);
}
