"""One file a family of types: kernels from arrays of any type to arrays of a declared one."""
