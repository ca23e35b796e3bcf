// Linux's ALTERNATIVE(), a callback, and alt_cb_patch_nops.
.globl _start
_start:
site:
    cbz x0, 1f
    bl helper
linux_record site, arm, 7, 8, 8
1:
nopped:
    dsb sy
linux_record nopped, alt_cb_patch_nops, 1 << 15 | 3, 4, 0
called:
    movz x0, #0
linux_record called, callback, 1 << 15 | 4, 4, 0
    b .
.subsection 1
arm:
    cbnz x0, 1b
    b helper
.previous

.type helper, @function
helper:
    ret
.size helper, . - helper
.globl alt_cb_patch_nops
.type alt_cb_patch_nops, @function
alt_cb_patch_nops:
    ret
.size alt_cb_patch_nops, . - alt_cb_patch_nops
.type callback, @function
callback:
    ret
.size callback, . - callback
