#!/usr/bin/env bash
# Writes insn_encode.txt beside itself: the words that GNU as (2.40 was used) assembles for the instructions
# that callbacks can make. Needs binutils for aarch64.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

text() {
    for op in movz movn movk; do
        for operands in 'x0, #0' 'x1, #1' 'x30, #0xffff' 'x17, #0x8001, lsl #16' \
            'x5, #0x1234, lsl #32' 'x29, #0xfedc, lsl #48'; do
            echo "$op $operands"
        done
    done
    for op in and orr; do
        for operands in 'x0, x0, #1' 'x0, x1, #0x8000000000000000' 'x30, x29, #0x7fffffffffffffff' \
            'x3, x4, #0xfffffffffffffffe' 'x5, x6, #0x5555555555555555' 'x7, x8, #0xaaaaaaaaaaaaaaaa' \
            'x9, x10, #0x3333333333333333' 'x11, x12, #0x8181818181818181' 'x13, x14, #0xff0000000000ffff' \
            'x15, x16, #0x0001000100010001' 'x17, x18, #0x7ffffffe7ffffffe' 'x19, x20, #0x0000ffffffffffff' \
            'x21, x22, #0xffff800000000000' 'x23, x24, #0xc003c003c003c003' 'x25, x26, #0xf000000ff000000f'; do
            echo "$op $operands"
        done
    done
    for operands in 'x0, x0, #0' 'x0, x1, #1' 'x30, x29, #63' 'x7, x7, #48' 'x12, x3, #31' 'x12, x3, #32'; do
        echo "ror $operands"
    done
    for operands in 'x0, x0, #0' 'x1, x2, #1' 'x30, x29, #4095' 'x5, x6, #0, lsl #12' \
        'x7, x8, #0xabc, lsl #12' 'x9, x10, #4095, lsl #12'; do
        echo "add $operands"
    done
    for op in hvc smc; do
        for imm16 in 0 1 0x8000 0xffff; do echo "$op #$imm16"; done
    done
}

text >"$work/in.s"
aarch64-linux-gnu-as "$work/in.s" -o "$work/out.o"
aarch64-linux-gnu-objcopy -O binary -j .text "$work/out.o" "$work/out.bin"
{
    echo '# Made by insn_encode.sh (GNU as 2.40). Word, assembly.'
    paste <(od -An -v -tx4 -w4 "$work/out.bin" | tr -d ' ') "$work/in.s"
} >"$work/words"
mv "$work/words" insn_encode.txt
