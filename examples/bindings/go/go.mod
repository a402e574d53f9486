module comoq

go 1.24
