/**
 * The clock of the result page: that of the video, or one that runs by itself without a file or where the browser cannot play
 * it, so that boxes and timeline still move.
 *
 * Events: `time` whenever the position may have changed, `state` for play, pause and speed, `unplayable`.
 */
export class Player extends EventTarget {
  /** Resolves, to the time of the first picture on the video's own clock, when that is shown. */
  firstFrame = Promise.resolve(0);

  #video;
  #url = null;
  #start = 0; // of the pictures, on the video's own clock: sound may begin before them
  #ownClock = { time: 0, playing: false, speed: 1, last: 0 };

  constructor(video) {
    super();
    this.#video = video;
    for (const name of ["play", "pause", "ended", "volumechange"]) video.addEventListener(name, () => this.#emit("state"));
    for (const name of ["seeked", "seeking", "loadeddata"]) video.addEventListener(name, () => this.#emit("time"));
    video.addEventListener("error", () => this.#fail());
    video.addEventListener("loadedmetadata", () => video.videoWidth || this.#fail());
  }

  /** Continue without the file where the browser can play none of it, or its sound only. */
  #fail() {
    if (!this.#url) return;
    this.detach();
    this.#emit("unplayable");
  }

  /** Open a result of `duration` seconds, with frames `frame` seconds apart. */
  open({ duration, frame, file }) {
    this.detach();
    this.duration = duration;
    this.frame = frame;
    this.#ownClock = { ...this.#ownClock, time: 0, playing: false };
    if (file) this.attach(file);
    this.#emit("time");
  }

  attach(file) {
    const time = this.time;
    this.detach();
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
    this.#start = 0;
    this.firstFrame = this.#findFirstFrame(this.#url);
    this.firstFrame.then((start) => start || time ? this.seek(time) : null);
    this.#emit("state");
  }

  /** When the first picture is due on the video's own clock, as soon as it is shown; results count from it. */
  #findFirstFrame(url) {
    return new Promise((resolve) => {
      const shown = (now, picture) => {
        if (this.#url === url) this.#start = picture?.mediaTime ?? 0;
        resolve(this.#start);
      };
      if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(shown);
      else this.#video.addEventListener("loadeddata", () => shown(), { once: true });
    });
  }

  detach() {
    if (!this.#url) return;
    const url = this.#url;
    this.#url = null;
    this.#video.removeAttribute("src");
    this.#video.load();
    URL.revokeObjectURL(url);
  }

  get url() { return this.#url; }
  get time() { return this.#url ? Math.max(this.#video.currentTime - this.#start, 0) : this.#ownClock.time; }
  get playing() { return this.#url ? !this.#video.paused && !this.#video.ended : this.#ownClock.playing; }
  get muted() { return this.#video.muted; }

  seek(time) {
    const wanted = Math.min(Math.max(time, 0), this.duration);
    if (this.#url) this.#video.currentTime = wanted + this.#start;
    else this.#ownClock.time = wanted;
    this.#emit("time");
  }

  step(frames) {
    this.pause();
    this.seek(this.time + frames * this.frame);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  async play() {
    if (this.time >= this.duration - 0.02) this.seek(0);
    if (this.#url) await this.#video.play();
    else Object.assign(this.#ownClock, { playing: true, last: performance.now() });
    this.#emit("state");
    this.#tick();
  }

  pause() {
    if (this.#url) this.#video.pause();
    this.#ownClock.playing = false;
    this.#emit("state");
  }

  set speed(value) {
    this.#video.playbackRate = value;
    this.#video.defaultPlaybackRate = value;
    this.#ownClock.speed = value;
  }

  toggleSound() {
    this.#video.muted = !this.#video.muted;
  }

  #tick() {
    if (!this.#url) this.#advance();
    this.#emit("time");
    if (this.playing) requestAnimationFrame(() => this.#tick());
  }

  #advance() {
    const now = performance.now();
    this.#ownClock.time = Math.min(this.#ownClock.time + ((now - this.#ownClock.last) / 1000) * this.#ownClock.speed, this.duration);
    this.#ownClock.last = now;
    if (this.#ownClock.time >= this.duration) this.pause();
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }
}
