//! Splits a guest image into code and data. The module that is compiled writes no data into memory; the initial
//! memory is mapped instead.
//!
//! `build.rs` includes this file. It must never know what the data means.

use wasm_encoder::{DataCountSection, DataSection, Module, RawSection, SectionId};
use wasmparser::{DataKind, Operator, Parser, Payload};

const WASM_PAGE: u64 = 64 << 10;

/// The two parts of an image.
pub(crate) struct Parts {
    /// The module without its active data segments.
    pub(crate) code: Vec<u8>,
    /// The initial contents of memory, up to the last byte that is not zero.
    pub(crate) memory: Vec<u8>,
    /// The initial size of memory.
    pub(crate) memory_bytes: usize,
}

/// Splits a validated image. An image is refused if its data does not lie at constant addresses of a single memory.
pub(crate) fn split(wasm: &[u8]) -> Result<Parts, String> {
    let refused = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut sections = Vec::new();
    let mut segments = Vec::new();
    let mut sizes = Vec::new();
    // Passive segments, which code copies itself, keep their index: the segments before them become empty.
    let (mut stays, mut staying) = (DataSection::new(), 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(refused)?;
        match &payload {
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    sizes.push(memory.map_err(refused)?.initial);
                }
            }
            Payload::DataSection(data) => {
                for (number, segment) in data.clone().into_iter().enumerate() {
                    let segment = segment.map_err(refused)?;
                    match segment.kind {
                        DataKind::Passive => {
                            for _ in staying..number {
                                stays.passive([]);
                            }
                            stays.passive(segment.data.iter().copied());
                            staying = number + 1;
                        }
                        DataKind::Active { memory_index: 0, offset_expr } => {
                            match offset_expr.get_operators_reader().read() {
                                Ok(Operator::I32Const { value }) => {
                                    segments.push((value.cast_unsigned(), segment.data))
                                }
                                _ => return Err("it has data at a place that is no constant".into()),
                            }
                        }
                        DataKind::Active { .. } => return Err("it has data for a second memory".into()),
                    }
                }
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            sections.push((id, wasm.get(range).ok_or("a section of it is cut off")?));
        }
    }
    let mut code = Module::new();
    for (id, data) in sections {
        let is = |section: SectionId| id == section as u8;
        if is(SectionId::DataCount) {
            code.section(&DataCountSection { count: stays.len() });
        } else if is(SectionId::Data) {
            code.section(&stays);
        } else {
            code.section(&RawSection { id, data });
        }
    }
    let [pages] = sizes[..] else { return Err(format!("it defines {} memories, not one", sizes.len())) };
    let memory_bytes = usize::try_from(pages.saturating_mul(WASM_PAGE)).unwrap_or(usize::MAX);
    let mut memory = Vec::new();
    for (start, data) in segments {
        let start = start as usize;
        let end = start.saturating_add(data.len());
        if end > memory_bytes {
            return Err("it has data outside of its memory".into());
        }
        if memory.len() < end {
            memory.resize(end, 0);
        }
        if let Some(place) = memory.get_mut(start..end) {
            place.copy_from_slice(data);
        }
    }
    memory.truncate(memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(Parts { code: code.finish(), memory, memory_bytes })
}
