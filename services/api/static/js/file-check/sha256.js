/** Incremental SHA-256 (FIPS 180-4): crypto.subtle hashes whole buffers only, and is missing on pages served by plain http. */

const BLOCK = 64;

// Signed words: engines keep them as machine integers, which unsigned ones above 2 ** 31 are not.
const ROUND_CONSTANTS = new Int32Array(64);
const INITIAL = new Int32Array(8);

/** The first 32 bits of the fractional parts of square and cube roots of the first primes, as the standard derives them. */
function derive() {
  const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32);
  const primes = [];
  for (let candidate = 2; primes.length < 64; candidate += 1) {
    if (primes.every((prime) => candidate % prime)) primes.push(candidate);
  }
  primes.forEach((prime, i) => {
    if (i < 8) INITIAL[i] = fraction(Math.sqrt(prime));
    ROUND_CONSTANTS[i] = fraction(Math.cbrt(prime));
  });
}

derive();

/** The digest of bytes that come in pieces: `new Sha256().update(bytes).digest()`. */
export class Sha256 {
  #state = INITIAL.slice();
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(BLOCK); // bytes that do not fill a block yet
  #held = 0;
  #length = 0;

  /** Add bytes, a Uint8Array. */
  update(bytes) {
    this.#length += bytes.length;
    let from = 0;
    if (this.#held) {
      from = Math.min(BLOCK - this.#held, bytes.length);
      this.#rest.set(bytes.subarray(0, from), this.#held);
      this.#held += from;
      if (this.#held < BLOCK) return this;
      this.#compress(new DataView(this.#rest.buffer), 0);
      this.#held = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; from + BLOCK <= bytes.length; from += BLOCK) this.#compress(view, from);
    this.#rest.set(bytes.subarray(from));
    this.#held = bytes.length - from;
    return this;
  }

  /** The digest as lower-case hexadecimal; afterwards nothing can be added. */
  digest() {
    const bits = this.#length * 8;
    const padded = new Uint8Array(this.#held < BLOCK - 8 ? BLOCK : 2 * BLOCK);
    padded.set(this.#rest.subarray(0, this.#held));
    padded[this.#held] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padded.length - 4, bits % 2 ** 32);
    for (let from = 0; from < padded.length; from += BLOCK) this.#compress(view, from);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Take one block in: section 6.2.2 of the standard, with its names. */
  #compress(view, offset) {
    const W = this.#schedule;
    for (let t = 0; t < 16; t += 1) W[t] = view.getInt32(offset + 4 * t);
    for (let t = 16; t < 64; t += 1) {
      const x = W[t - 15];
      const y = W[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
    }
    const H = this.#state;
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let t = 0; t < 64; t += 1) {
      const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const T1 = (h + S1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t] + W[t]) | 0;
      const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const T2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + T1) | 0;
      d = c;
      c = b;
      b = a;
      a = (T1 + T2) | 0;
    }
    H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
  }
}
