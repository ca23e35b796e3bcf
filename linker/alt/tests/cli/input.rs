//! What a user gets who asks for help, or gives what is no image.

use std::fs;

use crate::run::alt;

#[test]
fn help_has_examples_that_are_understood() {
    alt(["--version"]).clean();
    let help = alt(["--help"]).clean();
    for command in ["apply", "diff", "seal", "verify"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = alt([command, "--help"]).clean();
        assert!(help.contains("Exit status: 0 "), "{help}");
        // Each example gets as far as to look for its image.
        let examples = help.lines().filter(|line| line.starts_with("  alt "));
        let mut count = 0;
        for example in examples {
            count += 1;
            let ran = alt(example.split_whitespace().skip(1));
            assert_eq!(ran.status, 2, "{example}");
            let image = example.split_whitespace().nth(2).unwrap();
            let expected = format!("error: {image}: No such file or directory");
            assert!(ran.stderr.starts_with(&expected), "{example}: {ran:?}");
        }
        assert!(count > 0, "{help}");
    }
}

#[test]
fn what_is_no_image_is_said_with_its_name() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("no image");
    fs::write(&path, "text").unwrap();
    let path = path.to_str().unwrap();
    for command in ["verify", "seal"] {
        alt([command, path]).refused(&["no image: not an ELF file"]);
    }
    alt(["verify", dir.path().to_str().unwrap()]).refused(&["directory"]);
    alt(["verify"]).refused(&["<IMAGE>"]);
    alt(["nonsense"]).refused(&["nonsense"]);
}
