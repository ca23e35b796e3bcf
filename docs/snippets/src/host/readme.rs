//! README.md.

mod check {
    use std::path::PathBuf;

    fn build_kernel() -> PathBuf {
        "kernel".into()
    }

    fn main() -> Result<(), alt_verify::CheckError> {
        let image = build_kernel(); // the path of the linked ELF file
        alt_verify::check_image(image)
    }
}

mod link {
    fn main() -> Result<(), alt_linker::partial_link::PartialLinkError> {
        let object = alt_linker::partial_link::Link::new("hyp.toml")
            .input("libhyp.a")
            .link()?;
        println!("cargo::rustc-link-arg={}", object.display());
        Ok(())
    }
}
