#include "output_file.hpp"

#include "shared/command_line.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

OutputFile::OutputFile(std::optional<std::string> name) : name_(std::move(name)), descriptor_(STDOUT_FILENO) {
    if (!name_) {
        return;
    }
    descriptor_ = ::open(name_->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    is_new_ = descriptor_ >= 0;
    if (!is_new_ && errno == EEXIST) {
        descriptor_ = ::open(name_->c_str(), O_WRONLY | O_CLOEXEC);
    }
    if (descriptor_ < 0) {
        throw std::runtime_error(in_quotes(*name_) + " cannot be created: " + std::generic_category().message(errno));
    }
}

OutputFile::~OutputFile() {
    if (!name_) {
        return;
    }
    ::close(descriptor_);
    if (is_new_ && !has_begun_) {
        ::unlink(name_->c_str());
    }
}

void OutputFile::write(std::string_view bytes) {
    const auto fail = [&] {
        throw std::runtime_error((name_ ? in_quotes(*name_) + " cannot be written: " : "cannot write to standard output: ") +
                                 std::generic_category().message(errno));
    };
    if (!std::exchange(has_begun_, true) && name_) {
        struct ::stat status {};
        // A pipe or a device does not have a size.
        if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode) && ::ftruncate(descriptor_, 0) != 0) fail();
    }
    while (!bytes.empty()) {
        const auto count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) fail();
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}
