"""comoq for Conan 2, from the sources that this file is a part of."""

import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

required_conan_version = ">=2.0"


class Comoq(ConanFile):
    name = "comoq"
    description = "Live media for C++20 coroutines and asio: the data model of Media over QUIC, sessions and a relay's parts"
    license = "MIT"
    topics = ("moq", "media", "coroutines", "asio", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"websocket": [True, False]}
    default_options = {"websocket": True}
    no_copy_source = True

    def _sources(self):
        return Path(self.recipe_folder).parents[2]

    def set_version(self):
        text = (self._sources() / "include/comoq/version.hpp").read_text()
        self.version = ".".join(re.findall(r"^#define COMOQ_VERSION_[MP][A-Z]+ (\d+)$", text, re.M))

    def export_sources(self):
        for pattern in ("include/*", "cmake/*", "CMakeLists.txt", "LICENSE", ".github/CHANGELOG.md"):
            copy(self, pattern, self._sources(), self.export_sources_folder)

    def requirements(self):
        self.requires("asio/[>=1.22 <2]")
        self.requires("fmt/[>=9]")
        if self.options.websocket:
            self.requires("wslay/[>=1.1 <2]")
            self.requires("openssl/[>=3 <4]")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def package_id(self):
        # The same headers for every compiler.
        self.info.settings.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        # It would stand among the sources, and stop every preset when the build directory that it names is gone.
        toolchain.user_presets_path = False
        toolchain.cache_variables["COMOQ_BUILD_TESTS"] = False
        toolchain.cache_variables["COMOQ_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["COMOQ_WEBSOCKET"] = "ON" if self.options.websocket else "OFF"
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()

    def package_info(self):
        # The installed CMake package has targets that a generated one would lack, such as comoq::compiled.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["share/cmake/comoq"]
        # For other build systems.
        self.cpp_info.set_property("pkg_config_name", "comoq")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.defines = ["ASIO_STANDALONE", "ASIO_HAS_CO_AWAIT=1", "ASIO_HAS_STD_COROUTINE=1"]
        self.cpp_info.system_libs = ["pthread"]
