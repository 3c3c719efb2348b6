"""The two doors of a kernel: what a caller may hand to the compiler, and what to the kernel."""
