//! QEMU's `virt` machine, as far as this kernel uses it. Addresses are physical.

use core::ops::Range;

/// Size of a page in bytes.
pub const PAGE: usize = 4096;
/// Largest number of CPUs; there is a stack for each.
pub const MAX_CPUS: usize = 8;

/// Distributor of the GICv3.
pub const GIC_DISTRIBUTOR: usize = 0x0800_0000;
/// First redistributor of the GICv3. The others follow it, up to the UART.
pub const GIC_REDISTRIBUTORS: usize = 0x080a_0000;
/// Distance between two redistributors in bytes.
pub const GIC_REDISTRIBUTOR_SIZE: usize = 0x2_0000;

/// UART0, a PL011.
pub const UART: usize = 0x0900_0000;
/// Clock of the UART in Hz.
pub const UART_CLOCK: u32 = 24_000_000;

/// All devices that the kernel drives.
pub const DEVICES: Range<usize> = GIC_DISTRIBUTOR..UART + PAGE;

/// The device tree of an ELF kernel, at the start of RAM; QEMU reserves 1 MiB for it.
pub const DEVICE_TREE: Range<usize> = 0x4000_0000..0x4010_0000;

/// Memory for livepatch payloads: between the image and the files that the host loads. A branch of
/// the text reaches all of it.
pub const PAYLOADS: Range<usize> = 0x4100_0000..0x4180_0000;
