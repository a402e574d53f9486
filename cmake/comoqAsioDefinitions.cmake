# asio before 1.26 does not detect clang's coroutines: these definitions enable asio::awaitable.
set(COMOQ_OLD_ASIO_DEFINITIONS
    "$<$<CXX_COMPILER_ID:Clang,AppleClang,IntelLLVM>:ASIO_HAS_CO_AWAIT=1>"
    "$<$<CXX_COMPILER_ID:Clang,AppleClang,IntelLLVM>:ASIO_HAS_STD_COROUTINE=1>"
)
