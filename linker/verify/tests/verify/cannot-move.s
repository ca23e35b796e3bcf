// finding: site: signs with its own address
.globl _start
_start:
site:
    nop
    b .
raw_replacements
arm: .inst 0xdac1a3fe // paciasppc
.popsection
raw_record site, arm, 1, 1, 1
