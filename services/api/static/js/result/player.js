/**
 * One clock for the whole workspace. With the person's own file it is the video's; without one, or where the browser
 * cannot play it, it runs by itself, so that boxes and timeline still move.
 *
 * Events: `time` whenever the position may have changed, `state` for play, pause and speed, `unplayable`.
 */
export class Player extends EventTarget {
  /** Resolves, to the time of the first picture on the video's own clock, when that is shown. */
  pictured = Promise.resolve(0);

  #video;
  #url = null;
  #start = 0; // of the pictures, on the video's own clock: sound may begin before them
  #free = { time: 0, playing: false, speed: 1, last: 0 };

  constructor(video) {
    super();
    this.#video = video;
    for (const name of ["play", "pause", "ended", "volumechange"]) video.addEventListener(name, () => this.#tell("state"));
    for (const name of ["seeked", "seeking", "loadeddata"]) video.addEventListener(name, () => this.#tell("time"));
    video.addEventListener("error", () => this.#giveUp());
    video.addEventListener("loadedmetadata", () => video.videoWidth || this.#giveUp());
  }

  /** Where a browser knows no part of a file, or its sound alone, the clock runs without it. */
  #giveUp() {
    if (!this.#url) return;
    this.detach();
    this.#tell("unplayable");
  }

  /** Begin with a result that is `duration` seconds long, of pictures `frame` seconds apart. */
  open({ duration, frame, file }) {
    this.detach();
    this.duration = duration;
    this.frame = frame;
    this.#free = { ...this.#free, time: 0, playing: false };
    if (file) this.attach(file);
    this.#tell("time");
  }

  attach(file) {
    const time = this.time;
    this.detach();
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
    this.#start = 0;
    this.pictured = this.#firstPicture(this.#url);
    this.pictured.then((start) => start || time ? this.seek(time) : null);
    this.#tell("state");
  }

  /** When the first picture is due on the video's own clock, as soon as it is shown; results count from it. */
  #firstPicture(url) {
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
  get time() { return this.#url ? Math.max(this.#video.currentTime - this.#start, 0) : this.#free.time; }
  get playing() { return this.#url ? !this.#video.paused && !this.#video.ended : this.#free.playing; }
  get muted() { return this.#video.muted; }

  seek(time) {
    const wanted = Math.min(Math.max(time, 0), this.duration);
    if (this.#url) this.#video.currentTime = wanted + this.#start;
    else this.#free.time = wanted;
    this.#tell("time");
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
    else Object.assign(this.#free, { playing: true, last: performance.now() });
    this.#tell("state");
    this.#tick();
  }

  pause() {
    if (this.#url) this.#video.pause();
    this.#free.playing = false;
    this.#tell("state");
  }

  set speed(value) {
    this.#video.playbackRate = value;
    this.#video.defaultPlaybackRate = value;
    this.#free.speed = value;
  }

  toggleSound() {
    this.#video.muted = !this.#video.muted;
  }

  #tick() {
    if (!this.#url) this.#advance();
    this.#tell("time");
    if (this.playing) requestAnimationFrame(() => this.#tick());
  }

  #advance() {
    const now = performance.now();
    this.#free.time = Math.min(this.#free.time + ((now - this.#free.last) / 1000) * this.#free.speed, this.duration);
    this.#free.last = now;
    if (this.#free.time >= this.duration) this.pause();
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
