use super::*;

fn mount(given: &str) -> Result<Source, SpecError> {
    MountSpec::parse(OsStr::new(given)).map(|spec| spec.source)
}

fn host(path: &str, access: Access) -> Source {
    Source::Host {
        path: path.into(),
        access,
    }
}

#[test]
fn a_source_is_memory_or_a_directory_with_a_mode() {
    assert_eq!(mount("/scratch=memory"), Ok(Source::Memory));
    assert_eq!(mount("/src=./:ro"), Ok(host("./", Access::ReadOnly)));
    assert_eq!(
        mount("/repo=/home/me:overlay"),
        Ok(host("/home/me", Access::Overlay))
    );
    assert_eq!(mount("/m=memory:ro"), Ok(host("memory", Access::ReadOnly)));
}

#[test]
fn a_host_path_may_have_every_separator_in_it() {
    assert_eq!(mount("/src=a=b:c,d:ro"), Ok(host("a=b:c,d", Access::ReadOnly)));
}

#[test]
fn a_host_path_need_not_be_utf8() {
    let given = OsStr::from_bytes(b"/src=caf\xe9:ro");
    let Ok(MountSpec {
        source: Source::Host { path, .. },
        ..
    }) = MountSpec::parse(given)
    else {
        panic!("it is a host directory");
    };
    assert_eq!(path.as_os_str().as_bytes(), b"caf\xe9");
}

#[test]
fn a_point_is_normalised() {
    let spec = MountSpec::parse(OsStr::new("/a//b/../c/=memory")).unwrap();
    assert_eq!(spec.point.as_str(), "/a/c");
}

#[test]
fn every_refusal_says_what_is_accepted() {
    for (given, text) in [
        ("/src", "it does not begin with a virtual path and '='"),
        ("=memory", "a virtual path starts with '/'"),
        ("src=memory", "a virtual path starts with '/'"),
        (
            "/src=./",
            "'./' has no mode; accepted are 'memory', 'DIRECTORY:ro', 'DIRECTORY:rw', 'DIRECTORY:overlay'",
        ),
        (
            "/src=",
            "'' has no mode; accepted are 'memory', 'DIRECTORY:ro', 'DIRECTORY:rw', 'DIRECTORY:overlay'",
        ),
        (
            "/src=./:RO",
            "unknown mode 'RO'; accepted are 'memory', 'DIRECTORY:ro', 'DIRECTORY:rw', 'DIRECTORY:overlay'",
        ),
        ("/src=:ro", "no directory stands before the mode"),
    ] {
        assert_eq!(mount(given).unwrap_err().to_string(), text, "{given}");
    }
}

#[test]
fn a_point_or_a_value_that_is_not_utf8_is_refused() {
    let point = MountSpec::parse(OsStr::from_bytes(b"/\xff=memory"));
    assert_eq!(point, Err(SpecError::NotUtf8("mount point")));
    let glob = Assigned::parse(OsStr::from_bytes(b"/src=\xff"));
    assert_eq!(glob, Err(SpecError::NotUtf8("value")));
}

#[test]
fn a_glob_is_taken_as_it_is() {
    let assigned = Assigned::parse(OsStr::new("/src/=**/{a,b}=c:d")).unwrap();
    assert_eq!(
        (assigned.point.as_str(), assigned.value.as_str()),
        ("/src", "**/{a,b}=c:d")
    );
}

fn limited(given: &str, limits: &mut Limits) -> Result<(), SpecError> {
    for quota in Quota::parse(given, &Source::Memory)? {
        quota.set(limits);
    }
    Ok(())
}

#[test]
fn a_quota_sets_the_counters_that_it_names() {
    let mut limits = Limits::default();
    limited("bytes:10MB,files:7,file-size:1KB", &mut limits).unwrap();
    limited("written:2KiB,memory:unlimited", &mut limits).unwrap();
    assert_eq!(
        limits,
        Limits {
            max_bytes: Some(10_000_000),
            max_files: Some(7),
            max_file_size: Some(1000),
            write_bytes: Some(2048),
            memory: None,
        }
    );
}

#[test]
fn a_quota_that_is_none_names_the_counters_or_the_units() {
    for (given, text) in [
        (
            "size:1",
            "unknown counter 'size'; accepted are bytes:AMOUNT, files:AMOUNT, file-size:AMOUNT, written:AMOUNT, memory:AMOUNT",
        ),
        ("files:1MB", "'1MB' is not a whole number, nor 'unlimited'"),
        (
            "bytes",
            "'' is not a size: a whole number of B, KB, MB, GB, KiB, MiB or GiB, as in 10MB, nor 'unlimited'",
        ),
    ] {
        let refused = Quota::parse(given, &Source::Memory).unwrap_err();
        assert_eq!(refused.to_string(), text);
    }
}

#[test]
fn a_read_only_mount_takes_the_counter_that_it_has() {
    let source = host("./", Access::ReadOnly);
    assert_eq!(
        Quota::parse("memory:1MB", &source)
            .map(|quotas| quotas.len())
            .ok(),
        Some(1)
    );
    let refused = Quota::parse("memory:1MB,bytes:1", &source).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a read-only mount has no counter 'bytes'; accepted is memory:AMOUNT"
    );
}
