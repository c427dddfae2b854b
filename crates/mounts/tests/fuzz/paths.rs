//! Any string as a path: refused for the reason a plain reading of the rules gives, or normalised as that says.

use mounts::{MAX_COMPONENTS, MAX_NAME_BYTES, MAX_PATH_BYTES, PathError, VirtualPath};

/// The documentation, word by word.
fn normalised(path: &str) -> Result<String, PathError> {
    if path.contains('\0') {
        return Err(PathError::Nul);
    }
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if path.len() > MAX_PATH_BYTES || path.split('/').any(|name| name.len() > MAX_NAME_BYTES) {
        return Err(PathError::TooLong);
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    if names.len() > MAX_COMPONENTS {
        return Err(PathError::TooLong);
    }
    Ok(format!("/{}", names.join("/")))
}

pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for path in [text.to_string(), format!("/{text}"), format!("/m/{text}/../x")] {
        let parsed = VirtualPath::parse(&path).map(|path| path.to_string());
        assert_eq!(parsed, normalised(&path), "{path:?}");
        if let Ok(path) = VirtualPath::parse(&path) {
            holds_together(&path, &text);
        }
    }
}

/// What is true of every path that there is.
fn holds_together(path: &VirtualPath<'_>, text: &str) {
    let again = VirtualPath::parse(path.as_str()).unwrap();
    assert_eq!(again, *path, "a normal path is normal");
    let components: Vec<_> = path.components().collect();
    assert!(components.iter().all(|name| !matches!(*name, "" | "." | "..")));
    assert_eq!(format!("/{}", components.join("/")), path.as_str());
    assert_eq!(path.file_name(), components.last().copied());
    assert!(path.starts_with(&VirtualPath::root()) && path.starts_with(path));
    match path.parent() {
        None => assert!(path.is_root()),
        Some(parent) => {
            assert!(path.starts_with(&parent) && !parent.starts_with(path));
            assert_eq!(parent.components().count() + 1, components.len());
            // What is too long as it is spelled is not read to its end.
            if path.as_str().len() + "/..".len() <= MAX_PATH_BYTES {
                assert_eq!(path.join(".."), Ok(parent.into_owned()));
            }
        }
    }
    let joined = format!("{path}/{text}");
    assert_eq!(path.join(text).map(|path| path.to_string()), normalised(&joined));
}
