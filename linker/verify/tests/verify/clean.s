// What the site macros write, of each kind.
.globl _start
_start:
    branch_if_cap 0, 1f
    branch_unless_cap ALT_NOT | 1, 1f
    alternative_begin
    dsb nsh
    isb
    alternative_arm 2
    .arch_extension sb
    sb
    alternative_arm_all 1, 3
    adrp x0, _start
    bl helper
    alternative_nops 4
    alternative_end
1:
    alternative_begin near
    cbz x0, 2f
    alternative_arm 5
    tbz x0, #3, 2f
    alternative_end
2:
    b .

helper:
    ret
