//! The reader of a kept build, and errors of keeping one.

use std::fs;
use std::path::Path;

use alt_livepatch::archive::{ArchiveError, Build, KeepError, Link, keep};

use crate::kernel::{Kernel, SOURCE};

fn open(path: &Path) -> ArchiveError {
    Build::open(path).unwrap_err()
}

/// Behaviour 15: an image that was not linked from these inputs.
#[test]
fn behaviour_15_an_image_not_from_these_inputs_is_refused() {
    let Some(kernel) = Kernel::new("behaviour_15_an_image_not_from_these_inputs_is_refused") else {
        return;
    };
    let image = kernel.build("image", SOURCE);
    let good = fs::read(&image).unwrap();
    let other = kernel.build("other", &SOURCE.replace("hello", "good day"));
    fs::copy(&other, &image).unwrap();
    let error = open(&image);
    assert!(matches!(error, ArchiveError::OtherImage { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("it was not linked from these inputs")
    );

    // A stripped image is still the same one.
    let mut stripped = good.clone();
    stripped[40..48].fill(0);
    stripped[60..64].fill(0);
    fs::write(&image, &good).unwrap();
    assert!(Build::open(&image).is_ok());

    let folder = kernel.path("image.livepatch");
    let input = fs::read_dir(folder.join("inputs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    for path in [folder.join("image"), folder.join("link.map"), input] {
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&path, changed).unwrap();
        let error = open(&image);
        assert!(
            matches!(&error, ArchiveError::Changed(at) if *at == path),
            "{error}"
        );
        fs::remove_file(&path).unwrap();
        let error = open(&image);
        assert!(
            matches!(&error, ArchiveError::File { path: at, .. } if *at == path),
            "{error}"
        );
        fs::write(&path, bytes).unwrap();
    }
    assert!(Build::open(&image).is_ok());
}

#[test]
fn what_is_no_kept_build_is_named() {
    let Some(kernel) = Kernel::new("what_is_no_kept_build_is_named") else {
        return;
    };
    assert!(matches!(
        open(&kernel.path("none")),
        ArchiveError::File { .. }
    ));
    let image = kernel.build("image", SOURCE);
    let folder = kernel.path("image.livepatch");
    let path = folder.join("build.toml");
    let text = fs::read_to_string(&path).unwrap();
    let with = |text: &str| {
        fs::write(&path, text).unwrap();
        open(&image)
    };
    let error = with(&text.replace("format = 1", "format = 2"));
    assert!(
        matches!(error, ArchiveError::Format { found: 2, .. }),
        "{error}"
    );
    let error = with(&text.replace("build-id", "id"));
    assert!(matches!(error, ArchiveError::Info { .. }), "{error}");
    let error = with("format");
    assert!(matches!(error, ArchiveError::Info { .. }), "{error}");
    let error = with(&text.replace("file = \"0000-", "file = \"../0000-"));
    assert!(matches!(error, ArchiveError::Name { .. }), "{error}");

    // A file that is no image, and an image without an id; both with the right digest.
    let bytes = fs::read(folder.join("image")).unwrap();
    let digest = text
        .lines()
        .find_map(|line| line.strip_prefix("image = "))
        .unwrap();
    let replaced = |bytes: &[u8]| {
        use sha2::{Digest, Sha256};
        let digits: String = Sha256::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        fs::write(folder.join("image"), bytes).unwrap();
        with(&text.replace(digest, &format!("\"{digits}\"")))
    };
    assert!(matches!(replaced(b"no image"), ArchiveError::Image { .. }));
    let at = bytes
        .windows(4)
        .position(|window| window == b"GNU\0")
        .unwrap();
    let mut without = bytes.clone();
    without[at] = b'X';
    assert!(matches!(replaced(&without), ArchiveError::NoBuildId(_)));

    fs::remove_dir_all(&folder).unwrap();
    let error = open(&image);
    assert!(
        matches!(&error, ArchiveError::NotKept(path) if *path == folder),
        "{error}"
    );
    assert!(error.to_string().contains("--alt-keep"));
}

#[test]
fn what_cannot_be_kept_is_named() {
    let Some(kernel) = Kernel::new("what_cannot_be_kept_is_named") else {
        return;
    };
    let image = kernel.build("image", SOURCE);
    let map = fs::read_to_string(kernel.path("image.livepatch/link.map")).unwrap();
    let kept = |image: &Path, inputs: &[String], map: &str| {
        let link = Link {
            image,
            inputs,
            map,
            arguments: &[],
            options: &["--emit-relocs".into()],
        };
        keep(&link).unwrap_err()
    };
    let write = |name: &str, bytes: &[u8]| {
        let path = kernel.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let error = kept(&image, &[], "Archive member included");
    assert!(matches!(error, KeepError::Map), "{error}");
    let none = kernel.path("none");
    assert!(matches!(kept(&none, &[], &map), KeepError::File { .. }));
    let text = write("text", b"text");
    assert!(matches!(
        kept(Path::new(&text), &[], &map),
        KeepError::Image { .. }
    ));
    assert!(matches!(kept(&image, &[text], &map), KeepError::Input(_)));
    let bitcode = write("a.o", b"BC\xc0\xde....");
    assert!(matches!(
        kept(&image, &[bitcode], &map),
        KeepError::Bitcode(_)
    ));
    let build = Build::open(&image).unwrap();
    let object = &build.inputs[0].bytes;
    let mut damaged = object.clone();
    damaged.truncate(object.len() - 64);
    let damaged = write("b.o", &damaged);
    let error = kept(&image, &[damaged], &map);
    assert!(matches!(error, KeepError::Object { .. }), "{error}");

    // `ar` with two members of one name.
    let mut archive = b"!<arch>\n".to_vec();
    for _ in 0..2 {
        let size = object.len();
        let header = format!(
            "{:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            "x.o/", 0, 0, 0, 644
        );
        archive.extend(header.bytes());
        archive.extend(object);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    let archive = write("lib.a", &archive);
    let error = kept(&image, &[format!("{archive}(x.o)")], &map);
    assert!(matches!(error, KeepError::Ambiguous(_)), "{error}");
    let error = kept(&image, &[format!("{archive}(y.o)")], &map);
    assert!(matches!(error, KeepError::Object { .. }), "{error}");
    // Nothing of this has touched the kept build.
    assert!(Build::open(&image).is_ok());
}
