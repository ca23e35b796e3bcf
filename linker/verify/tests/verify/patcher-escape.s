// finding: call: branches to memcpy
// finding: load: refers to table
// finding: indirect: has an indirect branch
// finding: last: branches to behind
.globl _start
_start:
    b .
.type memcpy, @function
memcpy:
    ret
.size memcpy, . - memcpy
.balign 64
.globl __alt_patcher_start
__alt_patcher_start:
    mov x9, x30
call:
    bl memcpy
    adrp x0, table
load:
    ldr x0, [x0, :lo12:table]
    cbz x0, last
indirect:
    blr x0
    ret x9
last:
    mov x0, x1
.globl __alt_patcher_end
__alt_patcher_end:
.type behind, @function
behind:
    ret
.size behind, . - behind
.data
.quad 0
table: .quad 0
.globl __alt_layout_version
.set __alt_layout_version, 2
