//! Files read as text: what is none is named to the byte.

use monty_types::UnicodeErrorObject;
use mounts::{Mount, Table};

use crate::errors::raised;
use crate::script::run;

fn memory() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table
}

#[test]
fn text_that_is_none_says_where_it_stops_being_any() {
    let table = memory();
    table.write("/m/cut", b"abc\xe2\x82".to_vec()).unwrap();
    table.write("/m/bad", b"abc\xffdef".to_vec()).unwrap();
    raised(
        &table,
        &[
            (
                "Path('/m/cut').read_text()",
                "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 3-4: unexpected end of data",
            ),
            (
                "open('/m/bad').read()",
                "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 3: invalid start byte",
            ),
        ],
    );
    let ended = run(&table, "open('/m/bad').read()");
    let error = ended.result.unwrap_err();
    let data = error.unicode_data().expect("the exception carries its data");
    assert_eq!(data.object, UnicodeErrorObject::Bytes(b"abc\xffdef".to_vec()));
    assert_eq!((data.start, data.end), (3, 4));
}

#[test]
fn a_text_kept_in_pieces_is_decoded_as_one() {
    let table = memory();
    // A file of more than 64 KiB that is shared while it grows is kept as more than one buffer.
    let begin = "é".repeat(40_000);
    table.write("/m/long", begin.clone()).unwrap();
    let kept = table.read("/m/long").unwrap();
    table.append("/m/long", "é".as_bytes().split_at(1).0).unwrap();
    let cut = table.read("/m/long").unwrap();
    assert!(cut.segments().count() > 1, "the file has more than one piece");
    let ended = run(&table, "open('/m/long').read()");
    assert_eq!(
        ended.raised(),
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xc3 in position 80000: unexpected end of data"
    );
    table.append("/m/long", "é".as_bytes().split_at(1).1).unwrap();
    let code = "t = open('/m/long').read()\nprint(len(t), t == 'é' * 40_001)";
    assert_eq!(run(&table, code).printed(), "40001 True\n");
    drop((kept, cut));
}
