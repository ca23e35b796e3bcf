// finding: __start_alt_branches: is not before `kernel_stop`
// finding: __start_alt_plan: is not before `kernel_stop`
// help: __start_alt_plan: Move `INCLUDE alternatives-init.x`
// script: outside-image.rules.ld
// rules: outside-image.toml
// The name of the end is the kernel's own.
.globl _start
_start:
site:
    nop
    b .
raw_branch site, 1, 1
