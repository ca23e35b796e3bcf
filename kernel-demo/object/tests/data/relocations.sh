#!/usr/bin/env bash
# Writes relocations.txt next to itself: the results of GNU as and ld (2.40) for each relocation that
# the module loader supports. Requires binutils for aarch64.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Place, target, and an instruction with a relocation for the symbol `target`. The types are read from
# the object.
cases() {
    local place=0x40210000
    for target in 0x40210000 0x4020fffc 0x481ffffc 0x38210004; do
        echo "$place $target b target"
        echo "$place $target bl target"
    done
    for target in 0x40210004 0x40110000 0x4030fffc; do
        echo "$place $target b.ne target"
        echo "$place $target cbz w3, target"
        echo "$place $target cbnz x29, target"
        echo "$place $target ldr x7, target"
        echo "$place $target ldrsw x8, target"
        echo "$place $target ldr q9, target"
    done
    for target in 0x40210008 0x40208000 0x40217ffc; do
        echo "$place $target tbz w1, #5, target"
        echo "$place $target tbnz x30, #63, target"
    done
    for target in 0x40210001 0x40110000 0x4030ffff; do
        echo "$place $target adr x17, target"
    done
    for place in 0x40210000 0x40210ffc; do
        for target in 0x40210fff 0x4020fabc 0x0 0xffff8000 0x13fff0123; do
            echo "$place $target adrp x3, target"
            echo "$place $target adrp x3, :pg_hi21_nc:target"
        done
    done
    place=0x40210004
    for target in 0x0 0x40201ff0 0x7ffffff10; do
        echo "$place $target add x1, x2, :lo12:target"
        echo "$place $target ldrb w1, [x2, :lo12:target]"
        echo "$place $target strh w1, [x2, :lo12:target]"
        echo "$place $target ldr w1, [x2, :lo12:target]"
        echo "$place $target str x1, [x2, :lo12:target]"
        echo "$place $target ldr q1, [x2, :lo12:target]"
    done
    echo "$place 0x40201fff add w1, w2, :lo12:target"
    echo "$place 0x40201fff ldrb w1, [x2, :lo12:target]"
    echo "$place 0x40201ffe ldrh w1, [x2, :lo12:target]"
    echo "$place 0x40201ffc ldrsw x1, [x2, :lo12:target]"
    echo "$place 0x40201ff8 ldr d1, [x2, :lo12:target]"
    for target in 0x0 0xffff80001234cafe; do
        echo "$place $target .xword target"
        echo "$place $target .xword target - ."
    done
    for target in 0x0 0x7fffffff 0xffffffff; do
        echo "$place $target .word target"
    done
    for target in 0x0 0xc0210003 0xffffffffc0210004; do
        echo "$place $target .word target - ."
    done
}

bytes() {
    aarch64-linux-gnu-objcopy -O binary -j .text "$1" "$work/bytes"
    od -An -v -tx1 "$work/bytes" | tr -d ' \n'
}

{
    echo '# Made by relocations.sh (GNU binutils 2.40).'
    echo '# Type, place, target, bytes before, bytes after, assembly.'
    cases | while read -r place target text; do
        echo "$text" | aarch64-linux-gnu-as - -o "$work/in.o"
        aarch64-linux-gnu-ld -e 0 -Ttext="$place" --defsym=target="$target" \
            "$work/in.o" -o "$work/out" 2>"$work/why" || { echo "$place $target $text" >&2; cat "$work/why" >&2; exit 1; }
        kind=$(aarch64-linux-gnu-readelf -rW "$work/in.o" | awk '/R_AARCH64/ { print $3 }')
        echo "$kind $place $target $(bytes "$work/in.o") $(bytes "$work/out") $text"
    done
} >"$work/relocations"
mv "$work/relocations" relocations.txt
