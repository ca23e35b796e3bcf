// finding: in_boot_callback: callback, and reaches a site of SYSTEM_CAP
// finding: boot_in_boot: reaches a site of BOOT_CAP
// finding: in_early: runs before the last pass
// finding: before_all: runs before the boot-scope pass
// rules: cap-before-final.toml
.globl _start
.type _start, @function
_start:
called_at_boot:
    nop
called_last:
    nop
    bl early
    bl earliest
    b .
.size _start, . - _start

.macro function name
.type \name, @function
\name:
.endm
.macro end name
    ret
.size \name, . - \name
.endm

function at_boot
    bl helper
end at_boot
function helper
in_boot_callback:
    nop
boot_in_boot:
    nop
    bl __aarch64_ldadd8_relax
end helper
// A helper of outline atomics does the same before and after the pass.
function __aarch64_ldadd8_relax
in_atomic:
    nop
end __aarch64_ldadd8_relax
// Boot scope is final by the last pass.
function last
boot_in_last:
    nop
end last
function early
in_early:
    nop
boot_in_early:
    nop
end early
// Not what it calls: the rules file says so.
function earliest
before_all:
    nop
    b uncalled
end earliest
function uncalled
elsewhere:
    nop
end uncalled

.pushsection alt_callbacks, "aR", @progbits
boot_callback: .quad 0, 0, at_boot
last_callback: .quad 0, 0, last
.popsection
raw_record called_at_boot, boot_callback, 1 << 15 | 0, 1, 1
raw_record called_last, last_callback, 1 << 15 | 1, 1, 1
raw_branch in_boot_callback, 1, 1
raw_branch boot_in_boot, 0, 1
raw_branch in_atomic, 1, 1
raw_branch boot_in_last, 0, 1
raw_branch in_early, 1, 1
raw_branch boot_in_early, 0, 1
raw_branch before_all, 0, 1
raw_branch elsewhere, 0, 1

.section .alt_cpucaps, "", @progbits
.ascii "[BOOT_CAP]\ndoc = \"A.\"\nscope = \"boot\"\nkind = \"feature\"\ndetect = \"always\"\n"
.ascii "[SYSTEM_CAP]\ndoc = \"B.\"\nscope = \"system\"\nkind = \"feature\"\ndetect = \"always\"\n\0"
.ascii "11\0"
