// Reads lines of comoq_interop_codec and reads what is in them with moqtap-codec: DRAFT KIND HEX SAID. It must find the same,
// and write the same bytes. The exit code is 1 if a line differs.
use bytes::Buf;
use moqtap_codec::data_dispatch::{
    AnyFetchGroupOrder, AnyFetchObjectReader, AnyFetchObjectWriter, AnySubgroupObjectReader, AnySubgroupObjectWriter, FetchReemit,
};
use moqtap_codec::dispatch::{AnyControlMessage, AnyDatagramHeader, AnyFetchHeader, AnySubgroupHeader};
use moqtap_codec::fields::{FieldMap, FieldValue};
use moqtap_codec::version::DraftVersion;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::BufRead;

type Judgement = Result<(), String>;

fn of_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn shown<E: Debug>(error: E) -> String {
    format!("{error:?}")
}

fn same(written: &[u8], bytes: &[u8]) -> Judgement {
    if written == bytes {
        return Ok(());
    }
    Err(format!("written as {}", written.iter().map(|b| format!("{b:02x}")).collect::<String>()))
}

fn numbers(value: &FieldValue, to: &mut Vec<u64>) {
    match value {
        FieldValue::Uint(number) => to.push(*number),
        FieldValue::Array(values) => values.iter().for_each(|v| numbers(v, to)),
        FieldValue::Map(map) => numbers_in(map, to),
        _ => {}
    }
}

fn numbers_in(map: &FieldMap, to: &mut Vec<u64>) {
    map.iter().for_each(|(_, value)| numbers(value, to));
}

fn control(draft: DraftVersion, bytes: &[u8], said: &str) -> Judgement {
    let mut rest = bytes;
    let message = AnyControlMessage::decode(draft, &mut rest).map_err(shown)?;
    if rest.has_remaining() {
        return Err(format!("{} bytes are left", rest.remaining()));
    }
    let mut found = Vec::new();
    numbers_in(&message.fields(), &mut found);
    for number in said.split(',').filter(|s| *s != "-") {
        if !found.contains(&number.parse().unwrap()) {
            return Err(format!("{number} is not in {:?}", message.fields()));
        }
    }
    let mut written = Vec::new();
    message.encode(&mut written).map_err(shown)?;
    same(&written, bytes)
}

fn equal(found: String, said: &str) -> Judgement {
    if found == said { Ok(()) } else { Err(format!("found {found}, not {said}")) }
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".to_string(), |v| v.to_string())
}

fn datagram(draft: DraftVersion, bytes: &[u8], said: &str) -> Judgement {
    let mut rest = bytes;
    let header = AnyDatagramHeader::decode(draft, &mut rest).map_err(shown)?;
    let meta = header.meta();
    let found = format!(
        "{}/{}/{}/{}/{}/{}", meta.track_alias, meta.group_id, meta.object_id, or_dash(meta.publisher_priority),
        or_dash(meta.status), rest.remaining()
    );
    equal(found, said)?;
    let mut written = Vec::new();
    header.encode(&mut written).map_err(shown)?;
    written.extend_from_slice(rest);
    same(&written, bytes)
}

fn subgroup(draft: DraftVersion, bytes: &[u8], said: &str) -> Judgement {
    let mut rest = bytes;
    let header = AnySubgroupHeader::decode_stream(draft, &mut rest).map_err(shown)?;
    let mut reader = AnySubgroupObjectReader::new(&header).map_err(shown)?;
    let mut writer = AnySubgroupObjectWriter::new(&header).map_err(shown)?;
    let mut found =
        format!("{}/{}/{}/{}", header.track_alias(), header.group_id(), or_dash(header.subgroup_id()), or_dash(header.publisher_priority()));
    let mut written = Vec::new();
    header.encode_stream_checked(&mut written).map_err(shown)?;
    while rest.has_remaining() {
        let object = reader.read_object(&mut rest).map_err(shown)?;
        found += &format!(
            ",{}/{}/{}/{}", object.object_id, or_dash(object.status), object.extension_headers.len(), object.payload.len()
        );
        writer.write_object(&object, &mut written).map_err(shown)?;
    }
    equal(found, said)?;
    same(&written, bytes)
}

fn fetch(draft: DraftVersion, order: AnyFetchGroupOrder, bytes: &[u8], said: &str) -> Judgement {
    let mut rest = bytes;
    let header = AnyFetchHeader::decode_stream(draft, &mut rest).map_err(shown)?;
    let mut reader = AnyFetchObjectReader::new(&header, order).map_err(shown)?;
    let mut writer = AnyFetchObjectWriter::new(&header, order).map_err(shown)?;
    let mut found = format!("{}", header.request_id());
    while rest.has_remaining() {
        let raw = rest;
        let frame = reader.read_object_frame(&mut rest).map_err(shown)?;
        let meta = frame.meta;
        let subgroup = meta.has_subgroup_id.then_some(meta.subgroup_id);
        found += &format!(
            ",{}/{}/{}/{}/{}/{}", meta.group_id, or_dash(subgroup), meta.object_id, meta.publisher_priority,
            meta.extension_headers_len, meta.payload_length
        );
        let whole = &raw[..raw.len() - rest.len()];
        match writer.reemit_object(&frame, whole, &mut Vec::new()).map_err(shown)? {
            FetchReemit::Unchanged => {}
            FetchReemit::Reframed { .. } => return Err("an object's header is written otherwise".to_string()),
        }
    }
    equal(found, said)
}

fn judge(draft: DraftVersion, kind: &str, bytes: &[u8], said: &str) -> Judgement {
    match kind {
        "control" => control(draft, bytes, said),
        "datagram" => datagram(draft, bytes, said),
        "subgroup" => subgroup(draft, bytes, said),
        "ascending" => fetch(draft, AnyFetchGroupOrder::Ascending, bytes, said),
        "descending" => fetch(draft, AnyFetchGroupOrder::Descending, bytes, said),
        _ => Err("an unknown kind".to_string()),
    }
}

fn main() {
    let (mut read, mut differ) = (BTreeMap::new(), 0u64);
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let parts: Vec<&str> = line.split(' ').collect();
        let [number, kind, hex, said] = parts[..] else { panic!("a line has four parts: {line}") };
        let draft = DraftVersion::from_number(number.parse().expect("a draft")).expect("a draft that moqtap-codec has");
        match judge(draft, kind, &of_hex(hex), said) {
            Ok(()) => *read.entry(format!("draft {number}, {kind}")).or_insert(0u64) += 1,
            Err(reason) => {
                differ += 1;
                if differ <= 20 {
                    eprintln!("differs: {line}: {reason}");
                }
            }
        }
    }
    for (name, count) in &read {
        println!("{name}: {count} are the same");
    }
    if differ != 0 || read.is_empty() {
        eprintln!("{differ} differ");
        std::process::exit(1);
    }
}
