//! Finds the TLS records in a stream.

use super::faults::{Place, RecordPart};

/// The bytes of a record's head: its type, two of its version, two of its length.
const HEAD: usize = 5;

/// Follows a stream of TLS records. What is no TLS comes to no record.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Of the record that is under way.
    number: u64,
    head: Vec<u8>,
    /// What is still to come of the record, once its head is there.
    rest: u64,
    offset: u64,
}

impl Records {
    /// Takes the next bytes. `found` is told of every place as soon as its offset is known.
    pub(super) fn follow(&mut self, bytes: &[u8], mut found: impl FnMut(Place, u64)) {
        if self.offset == 0 && !bytes.is_empty() {
            found(place(0, RecordPart::Start), 0);
        }
        let mut bytes = bytes;
        while let Some((first, others)) = bytes.split_first() {
            if self.rest > 0 {
                let skipped = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
                self.rest -= skipped as u64;
                self.offset += skipped as u64;
                bytes = &bytes[skipped..];
                if self.rest == 0 {
                    self.next(&mut found);
                }
                continue;
            }
            self.head.push(*first);
            self.offset += 1;
            bytes = others;
            if self.head.len() == HEAD {
                self.rest = u64::from(u16::from_be_bytes([self.head[3], self.head[4]]));
                found(place(self.number, RecordPart::Middle), self.offset + self.rest / 2);
                if self.rest == 0 {
                    self.next(&mut found);
                }
            }
        }
    }

    fn next(&mut self, found: &mut impl FnMut(Place, u64)) {
        found(place(self.number, RecordPart::End), self.offset);
        self.number += 1;
        self.head.clear();
        found(place(self.number, RecordPart::Start), self.offset);
    }
}

fn place(number: u64, part: RecordPart) -> Place {
    Place::Record { number, part }
}
