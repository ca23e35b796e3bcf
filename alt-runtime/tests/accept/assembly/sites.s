// Sites of every kind. assembly.rs has the expected records.

.macro function name
.pushsection .text.\name, "ax"
.globl \name
.type \name, %function
\name:
.endm

.macro end_function name
ret
.size \name, . - \name
.popsection
.endm

function one
alternative_begin
nop
alternative_arm 3
yield
alternative_end
end_function one

function many
alternative_begin
nop
nop
alternative_arm_all 3, 4 | ALT_NOT, 255
yield
alternative_arm 5|ALT_NOT
wfe
sev
alternative_nops 6
alternative_cb 7, callback
alternative_arm 8
sev
alternative_end
end_function many

function near
alternative_begin near
nop
alternative_arm 3
cbz x0, 1f
alternative_arm 4
tbz x0, #0, 1f
alternative_end
1:
end_function near

function branches
1: nop
branch_if_cap 3, 1b
branch_if_cap 4 | ALT_NOT, 1f
branch_unless_cap 5, 1b
branch_unless_cap 6 | ALT_NOT, 1f
1:
end_function branches

function two
alternative_begin
nop
alternative_nops 3 | ALT_NOT
alternative_end
alternative_begin
wfe
alternative_cb 4 | ALT_NOT, callback
alternative_end
end_function two
