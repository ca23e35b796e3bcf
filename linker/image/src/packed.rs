//! Unpacks images that are compressed as a whole: `vmlinux.xz`, `module.ko.zst`, an EFI zboot
//! `vmlinuz`.

use std::borrow::Cow;
use std::io::{self, Read};

/// The largest unpacked file, in bytes. The largest `vmlinux` with debug information has a tenth of
/// it; a small file can unpack to any size.
const LARGEST: u64 = 4 << 30;

/// Compressed files in a compressed file: an EFI zboot image in a `.gz`.
const NESTED: usize = 3;

/// A file that contains no image that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackedError {
    /// The compressed data is damaged.
    #[error("cannot unpack the {format} data: {source}")]
    Damaged {
        /// The compression.
        format: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The file unpacks to more than this tool reads.
    #[error("the {0} data unpacks to more than {max} GiB", max = LARGEST >> 30)]
    TooLarge(&'static str),
    /// A compression that this tool does not know.
    #[error(
        "an EFI zboot image compressed by {0}; gzip, xz and zstd can be unpacked: give the vmlinux \
         that it was made of"
    )]
    Unknown(String),
    /// A boot image: text and data without a table of sections.
    #[error(
        "a boot image (`Image`), which has neither sections nor symbols: give the vmlinux that it \
         was made of (Xen: xen-syms)"
    )]
    BootImage,
}

/// A compression of a whole file.
#[derive(Clone, Copy)]
enum Format {
    Gzip,
    Xz,
    Zstd,
}

impl Format {
    /// By the first bytes (RFC 1952 2.3.1; The .xz File Format 2.1.1.1; RFC 8878 3.1.1).
    fn of(data: &[u8]) -> Option<Self> {
        const MAGIC: [(&[u8], Format); 3] = [
            (b"\x1f\x8b\x08", Format::Gzip),
            (b"\xfd7zXZ\0", Format::Xz),
            (b"\x28\xb5\x2f\xfd", Format::Zstd),
        ];
        let found = MAGIC.iter().find(|(magic, _)| data.starts_with(magic));
        found.map(|(_, format)| *format)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    fn unpack(self, data: &[u8]) -> Result<Vec<u8>, PackedError> {
        let damaged = |source| PackedError::Damaged {
            format: self.name(),
            source,
        };
        let reader: Box<dyn Read + '_> = match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(data)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(data, true)),
            Self::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(data);
                Box::new(decoder.map_err(|why| damaged(io::Error::other(why)))?)
            }
        };
        let mut unpacked = Vec::new();
        let read = reader.take(LARGEST + 1).read_to_end(&mut unpacked);
        match read.map_err(damaged)? as u64 > LARGEST {
            true => Err(PackedError::TooLarge(self.name())),
            false => Ok(unpacked),
        }
    }
}

/// The data of an EFI zboot image (Linux, drivers/firmware/efi/libstub/zboot-header.S): `MZ`, `zimg`,
/// the offset and size of the compressed data, and the name of the compression.
fn zboot(data: &[u8]) -> Result<Option<&[u8]>, PackedError> {
    if !data.starts_with(b"MZ") || data.get(4..8) != Some(b"zimg") {
        return Ok(None);
    }
    let number = |at: usize| {
        let bytes = data.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let packed = number(8)
        .zip(number(12))
        .and_then(|(offset, size)| data.get(offset..offset.checked_add(size)?));
    let Some(packed) = packed else {
        return Err(PackedError::Damaged {
            format: "EFI zboot",
            source: io::ErrorKind::UnexpectedEof.into(),
        });
    };
    if Format::of(packed).is_none() {
        let name = data.get(24..56).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        return Err(PackedError::Unknown(alt_object::display::name(name)));
    }
    Ok(Some(packed))
}

/// Whether this is the header of an arm64 boot image (Linux, Documentation/arch/arm64/booting.rst).
fn is_boot_image(data: &[u8]) -> bool {
    data.get(56..60) == Some(b"ARM\x64") && !data.starts_with(b"\x7fELF")
}

/// The file that `data` contains: itself if it is not compressed.
///
/// # Errors
/// The data is damaged, or is a boot image.
pub fn unpack(data: Vec<u8>) -> Result<Vec<u8>, PackedError> {
    let mut data = Cow::Owned(data);
    for _ in 0..NESTED {
        let packed = zboot(&data)?.unwrap_or(&data);
        let Some(format) = Format::of(packed) else {
            break;
        };
        data = Cow::Owned(format.unpack(packed)?);
    }
    match is_boot_image(&data) {
        true => Err(PackedError::BootImage),
        false => Ok(data.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// "unpacked\n", by `gzip -n`, `xz` and `zstd`.
    const GZIP: &str = "1f8b08000000000000032bcd2b484cce4e4de10200801f712b09000000";
    const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a3010008756e7061636b\
         65640a00000000f388ca5f0728e965000121096c18c5d51fb6f37d010000000004595a";
    const ZSTD: &str = "28b52ffd0458490000756e7061636b65640a72a3332c";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let digits = digits.map(|two| std::str::from_utf8(two).unwrap());
        digits
            .map(|two| u8::from_str_radix(two, 16).unwrap())
            .collect()
    }

    fn zboot_of(packed: &[u8], name: &[u8]) -> Vec<u8> {
        let mut file = b"MZ\0\0zimg".to_vec();
        file.extend(64_u32.to_le_bytes());
        file.extend((packed.len() as u32).to_le_bytes());
        file.resize(24, 0);
        file.extend(name);
        file.resize(64, 0);
        file.extend(packed);
        file
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for packed in [GZIP, XZ, ZSTD].map(bytes) {
            assert_eq!(unpack(packed.clone()).unwrap(), b"unpacked\n");
            assert_eq!(unpack(zboot_of(&packed, b"any")).unwrap(), b"unpacked\n");
        }
        assert_eq!(unpack(b"\x7fELF".to_vec()).unwrap(), b"\x7fELF");
        assert_eq!(unpack(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn damaged_data_is_refused() {
        for packed in [GZIP, XZ, ZSTD].map(bytes) {
            for length in 8..packed.len() - 1 {
                let error = unpack(packed[..length].to_vec()).unwrap_err();
                assert!(matches!(error, PackedError::Damaged { .. }), "{error}");
            }
        }
        let mut short = zboot_of(&bytes(GZIP), b"gzip");
        short.pop();
        let error = unpack(short).unwrap_err();
        assert!(matches!(
            error,
            PackedError::Damaged {
                format: "EFI zboot",
                ..
            }
        ));
    }

    #[test]
    fn other_files_are_named() {
        let error = unpack(zboot_of(b"\x04\x22\x4d\x18", b"lz4")).unwrap_err();
        assert!(matches!(&error, PackedError::Unknown(name) if name == "lz4"));
        let mut boot = vec![0; 64];
        boot[56..60].copy_from_slice(b"ARM\x64");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&boot).unwrap();
        for boot in [boot, packer.finish().unwrap()] {
            assert!(matches!(unpack(boot), Err(PackedError::BootImage)));
        }
    }
}
