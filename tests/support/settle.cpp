#include "support/settle.hpp"

#if defined(COMOQ_TESTS_SETTLE_ONCE)
namespace comoq::test {
COMOQ_SETTLE_ALL();
}  // namespace comoq::test
#endif
