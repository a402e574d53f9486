// Files of a recording, written by a thread of their own: a slow disk does not delay the network.
#pragma once

#include <comoq/frame.hpp>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

class Disk {
public:
    // Makes the directory, and a file in it for each name. Throws std::runtime_error.
    Disk(const std::string &directory, const std::vector<std::string> &names);

    // Completes when the frames are in the file with that number. Throws std::runtime_error. A cancelled call still waits
    // for the thread.
    asio::awaitable<void> write(std::size_t file, std::vector<comoq::Frame> frames);

    // Waits for the thread, and closes the files. Throws std::runtime_error if something is not written.
    void close();

private:
    struct Close {
        void operator()(std::FILE *file) const { std::fclose(file); }
    };
    struct File {
        std::string path;
        std::unique_ptr<std::FILE, Close> file;
    };

    std::vector<File> files_;
    // Last: its destructor waits for what still writes.
    asio::thread_pool thread_{1};
};
