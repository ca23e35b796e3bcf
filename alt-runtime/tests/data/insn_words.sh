#!/usr/bin/env bash
# Writes insn_words.txt and insn_concurrent.txt beside itself: what two assemblers make of every
# PC-relative form.
#
# Needs GNU binutils for aarch64 (2.40 was used) and, for what these do not know, a rustc with the
# target aarch64-unknown-none (1.95 with LLVM 22 was used).
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gnu() { # stdin: assembly; stdout: one hexadecimal word per line
    { echo '.arch armv8.8-a'; cat; } >"$work/in.s"
    aarch64-linux-gnu-as "$work/in.s" -o "$work/out.o" 2>"$work/log" && words
}

llvm() {
    {
        echo '#![no_std]'
        echo 'core::arch::global_asm!(r#"'
        cat
        echo '"#);'
    } >"$work/in.rs"
    rustc --edition 2024 --crate-type lib --target aarch64-unknown-none --emit obj \
        -C target-feature=+pauth-lr,+cmpbr "$work/in.rs" -o "$work/out.o" 2>"$work/log" && words
}

words() {
    aarch64-linux-gnu-objcopy -O binary -j .text "$work/out.o" "$work/out.bin"
    od -An -v -tx4 -w4 "$work/out.bin" | tr -d ' '
}

# group ASSEMBLER FORM TEXT FIRST_BAD_BELOW FIRST_BAD_ABOVE DISPLACEMENT...
# `@` in TEXT becomes the target. What is beyond the bounds must be refused by the assembler too.
group() {
    local assembler=$1 form=$2 text=$3 below=$4 above=$5
    shift 5
    target() { if [[ $form == adrp ]]; then echo "#$1"; else printf '.%+d\n' "$1"; fi; }
    fill() { echo "${text/@/$(target "$1")}"; }
    echo
    paste <(for d; do fill "$d"; done | "$assembler") \
        <(for d; do printf '%s\t%s\t%s\n' "$d" "$form" "$(fill "$d")"; done)
    for d in "$below" "$above"; do
        if fill "$d" | "$assembler" >/dev/null; then
            echo "$(fill "$d") was not refused" >&2
            exit 1
        fi
        printf 'refused\t%s\t%s\t%s\n' "$d" "$form" "$(fill "$d")"
    done
}

imm26() { group "$@" -134217732 134217728 0 4 -4 8 -8 4096 -65536 1048576 -5592404 44739240 134217724 -134217728; }
imm19() { group "$@" -1048580 1048576 0 4 -4 8 -8 1024 -4096 32768 -43688 349524 1048572 -1048576; }
imm14() { group "$@" -32772 32768 0 4 -4 8 -8 256 -1024 8192 -10924 21844 32764 -32768; }
imm9() { group "$@" -1028 1024 0 4 -4 8 -8 64 -128 340 -684 1020 -1024; }
back16() { group "$@" -262144 4 0 -4 -8 -64 -4096 -87380 -174760 -262140; }
bytes21() { group "$@" -1048577 1048576 0 1 -1 2 -3 4 -4 4095 -4097 349525 -699051 1048575 -1048576; }
pages21() { group "$@" -4294971392 4294967296 0 4096 -4096 8192 -12288 16773120 2147483648 -2147487744 4294963200 -4294967296; }

# words_of ASSEMBLER CLASS TEXT...: words without a target.
words_of() {
    local assembler=$1 class=$2
    shift 2
    echo
    paste <(printf '%s\n' "$@" | "$assembler") \
        <(for text; do printf -- '-\t%s\t%s\n' "$class" "$text"; done)
}

{
    echo '# Made by insn_words.sh (GNU as 2.40; rustc 1.95 with LLVM 22 for FEAT_CMPBR, FEAT_PAuth_LR and ADRP).'
    echo '# Word, displacement in bytes, form, assembly; lines of one group differ in the displacement only.'

    imm26 gnu b 'b @'
    imm26 gnu bl 'bl @'
    imm19 gnu b.cond 'b.eq @'
    imm19 gnu b.cond 'b.al @'
    imm19 gnu bc.cond 'bc.ne @'
    imm19 gnu cbz 'cbz w7, @'
    imm19 gnu cbz 'cbz x30, @'
    imm19 gnu cbnz 'cbnz w0, @'
    imm19 gnu cbnz 'cbnz xzr, @'
    imm14 gnu tbz 'tbz w3, #5, @'
    imm14 gnu tbz 'tbz x29, #63, @'
    imm14 gnu tbnz 'tbnz w30, #31, @'
    imm14 gnu tbnz 'tbnz x1, #32, @'
    for cc in gt ge hi hs eq ne; do
        imm9 llvm 'cb<cc> (register)' "cb$cc w1, w30, @"
        imm9 llvm 'cb<cc> (register)' "cb$cc x29, x2, @"
        imm9 llvm 'cbb<cc>' "cbb$cc w7, w8, @"
        imm9 llvm 'cbh<cc>' "cbh$cc w21, w10, @"
    done
    for cc in gt lt hi lo eq ne; do
        imm9 llvm 'cb<cc> (immediate)' "cb$cc w5, #63, @"
        imm9 llvm 'cb<cc> (immediate)' "cb$cc x26, #1, @"
    done
    back16 llvm 'reta<k>sppc' 'retaasppc @'
    back16 llvm 'reta<k>sppc' 'retabsppc @'
    back16 llvm 'auti<k>sppc' 'autiasppc @'
    back16 llvm 'auti<k>sppc' 'autibsppc @'
    bytes21 gnu adr 'adr x17, @'
    pages21 llvm adrp 'adrp x22, @'
    imm19 gnu 'ldr (literal)' 'ldr w9, @'
    imm19 gnu 'ldr (literal)' 'ldr x28, @'
    imm19 gnu 'ldrsw (literal)' 'ldrsw x11, @'
    imm19 gnu 'prfm (literal)' 'prfm pldl1keep, @'
    imm19 gnu 'prfm (literal)' 'prfm pstl3strm, @'
    imm19 gnu 'ldr (literal, SIMD&FP)' 'ldr s31, @'
    imm19 gnu 'ldr (literal, SIMD&FP)' 'ldr d0, @'
    imm19 gnu 'ldr (literal, SIMD&FP)' 'ldr q13, @'

    words_of llvm signs-pc paciasppc pacibsppc pacnbiasppc pacnbibsppc pacm
    # The PC that these use comes in a register.
    words_of llvm plain 'autiasppcr x3' 'autibsppcr x3' 'retaasppcr x3' 'retabsppcr x3' \
        pacia171615 pacib171615 autia171615 autib171615
    words_of gnu plain nop 'hint #38' 'hint #40' paciasp autiasp retaa 'ret' 'br x0' 'blr x1' 'eret' \
        'svc #0' 'hvc #1' 'smc #2' 'brk #3' 'hlt #4' 'isb' 'dsb sy' 'mrs x0, ctr_el0' 'dc cvau, x0' \
        'ldr x0, [x1]' 'ldr x0, [x1, #-8]!' 'ldr q0, [x1], #16' 'ldrsw x0, [x1, x2]' 'prfm pldl1keep, [x0]' \
        'ldur x0, [x1, #-1]' 'stp x0, x1, [sp, #-16]!' 'ldapr x0, [x1]' 'cas x0, x1, [x2]' 'ldxr x0, [x1]' \
        'add x0, x1, #4095' 'sub w0, w1, w2' 'movz x0, #1' 'movn w1, #2' 'movk x0, #3, lsl #48' \
        'ubfx x0, x1, #3, #5' 'extr x0, x1, x2, #7' 'ror w0, w1, #31' 'and x0, x1, #0xff' \
        'csel x0, x1, x2, eq' 'madd x0, x1, x2, x3' 'ccmp x0, x1, #0, ne' 'rev x0, x1' 'pacia x0, x1' \
        'fadd d0, d1, d2' 'fmov d0, #1.0' 'ld1 {v0.16b}, [x0]' 'add v0.4s, v1.4s, v2.4s' 'udf #1'
} >"$work/words"

# Concurrent modification: Arm ARM DDI 0487, B2.2.5 names the first group.
{
    echo '# Made by insn_words.sh. Word, whether it may be replaced while it is executed, assembly.'
    words_of gnu yes 'b .' 'b .-4' 'b .+134217724' 'bl .' 'bl .-134217728' nop isb 'isb #0' \
        'brk #0' 'brk #0xffff' 'svc #0' 'svc #0xffff' 'hvc #0' 'hvc #0xffff' 'smc #0' 'smc #0xffff'
    words_of gnu no yield wfe wfi sev sevl 'hint #6' 'bti c' paciasp 'hint #127' 'dsb sy' 'dmb ish' sb clrex \
        'hlt #0' 'dcps1 #0' 'dcps2 #0' 'dcps3 #0' 'b.eq .' 'b.al .' 'bc.eq .' 'cbz x0, .' 'cbnz w0, .' \
        'tbz x0, #0, .' 'tbnz x0, #0, .' ret 'br x0' 'blr x0' eret 'adr x0, .' 'ldr x0, .' 'udf #0' \
        'msr daifset, #15' 'msr tpidr_el1, x0' 'mov x0, x1' 'add x0, x0, #1' 'ldr x0, [x0]'
} | sed 's/\t-\t/\t/' >"$work/concurrent"

mv "$work/words" insn_words.txt
mv "$work/concurrent" insn_concurrent.txt
