/** ZIP archives without compression, as APPNOTE 6.3 of PKWARE describes them. Pure. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? 0xedb88320 ^ (remainder >>> 1) : remainder >>> 1;
  return remainder;
});

/** CRC-32 of IEEE 802.3. */
function crc32(bytes) {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = TABLE[(remainder ^ byte) & 0xff] ^ (remainder >>> 8);
  return (remainder ^ 0xffffffff) >>> 0;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20; // 2.0, which every program reads
const UTF_8 = 0x0800; // names are in UTF-8
const DATE = 0x21; // 1 January 1980, the earliest: a result has no file date
/** Largest offset and size of an archive without the extension of 64 bits. */
const MAX_BYTES = 0xffffffff;
const MAX_FILES = 0xffff;

/** A record of little-endian numbers of 2 or 4 bytes, `[size, value]` each. */
function record(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** The fields that the local and the central header share. */
const about = (name, bytes, crc) =>
  [[2, VERSION], [2, UTF_8], [2, 0], [2, 0], [2, DATE], [4, crc], [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0]];

/**
 * An archive.
 * @param {{ name: string, bytes: Uint8Array }[]} files with distinct names
 * @returns {Uint8Array[]} its parts, in order
 * @throws {RangeError} above 65,535 files or 4 GiB
 */
export function zip(files) {
  const parts = [];
  const central = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    const fields = about(encoded, bytes, crc32(bytes));
    central.push(record([4, CENTRAL], [2, VERSION], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), encoded);
    const header = record([4, LOCAL], ...fields);
    parts.push(header, encoded, bytes);
    offset += header.length + encoded.length + bytes.length;
    if (offset > MAX_BYTES) break;
  }
  const size = central.reduce((sum, { length }) => sum + length, 0);
  if (files.length > MAX_FILES || offset + size > MAX_BYTES) throw new RangeError("too many or too large files for a ZIP archive");
  const end = record([4, END], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]);
  return [...parts, ...central, end];
}
