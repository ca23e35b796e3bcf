//! The map that lld writes (`-Map`): the place of each input section.

/// An input section in the output of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The output section.
    pub output: String,
    /// The address; in a partial link, the offset in the output section in bytes.
    pub address: u64,
    /// The size in bytes.
    pub size: u64,
    /// The alignment in bytes, at least 1.
    pub align: u64,
    /// The file as the linker names it, such as `target/libhyp.a(entry.o)`; `<internal>` for a
    /// section that the linker made.
    pub file: String,
    /// The input section.
    pub section: String,
}

/// Reads a map in lld's format: four columns of numbers, then an output section, an input section or
/// a symbol, which differ by the indentation.
pub fn parse(text: &str) -> Vec<Placed> {
    let mut output = String::new();
    let mut placed = Vec::new();
    for line in text.lines().skip(1) {
        let mut rest = line;
        let mut numbers = [""; 4];
        for number in &mut numbers {
            rest = rest.trim_start();
            let end = rest.find(' ').unwrap_or(rest.len());
            (*number, rest) = rest.split_at(end);
        }
        let name = rest.trim_start();
        match rest.len() - name.len() {
            1 => name.clone_into(&mut output),
            9 => {
                let Some((file, section)) = name.rsplit_once(":(") else {
                    continue;
                };
                let hex = |text: &str| u64::from_str_radix(text, 16).unwrap_or_default();
                placed.push(Placed {
                    output: output.clone(),
                    address: hex(numbers[0]),
                    size: hex(numbers[2]),
                    // The only decimal column.
                    align: numbers[3].parse().unwrap_or(1).max(1),
                    file: file.to_owned(),
                    section: section.strip_suffix(')').unwrap_or(section).to_owned(),
                });
            }
            _ => {}
        }
    }
    placed
}

impl Placed {
    /// The file without folders; those of an archive member are kept: `libhyp.a(entry.o)`.
    pub fn file_name(&self) -> &str {
        let path = self.file.as_str();
        let archive = path.find('(').unwrap_or(path.len());
        let folder = path[..archive].rfind(['/', '\\']).map_or(0, |at| at + 1);
        &path[folder..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by rust-lld of Rust 1.95.
    #[test]
    fn sections_of_files_are_found() {
        let text = "\
             VMA              LMA     Size Align Out     In      Symbol
               0                0     1000  4096 .hyp.text
               0                0        4     4         /tmp/a b/liba.a(a.o):(.text._ZN1a)
               0                0        0     1                 $x
               4                4       8c     4         e.o:(.text.$LT$a(b)$GT$)
              90               90      f70     1         . = ALIGN(4096)
               0                0        8     8 .hyp.rodata
               0                0        8     1         <internal>:(.rodata.str1.1)
";
        let placed = |output: &str, address, (size, align), file: &str, section: &str| Placed {
            output: output.to_owned(),
            address,
            size,
            align,
            file: file.to_owned(),
            section: section.to_owned(),
        };
        let expected = [
            placed(
                ".hyp.text",
                0,
                (4, 4),
                "/tmp/a b/liba.a(a.o)",
                ".text._ZN1a",
            ),
            placed(".hyp.text", 4, (0x8c, 4), "e.o", ".text.$LT$a(b)$GT$"),
            placed(".hyp.rodata", 0, (8, 1), "<internal>", ".rodata.str1.1"),
        ];
        let found = parse(text);
        assert_eq!(found, expected);
        assert_eq!(found[0].file_name(), "liba.a(a.o)");
        assert_eq!(found[1].file_name(), "e.o");
    }
}
