// Whether the server answers. Who meets a server that is away reports it here; the
// page says so and asks again until it is back, then everybody resumes.
import { ApiError, healthy } from '../api.ts';

class Connection {
  down = $state(false);
  reason = $state('');
  /** Seconds until the next try. */
  wait = $state(0);
  #delay = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resume = new Set<() => void>();

  /** Calls back each time the server is back. */
  onBack(resume: () => void): () => void {
    this.#resume.add(resume);
    return () => this.#resume.delete(resume);
  }

  /** Takes an error that means "away" and returns true; leaves others to the caller. */
  took(error: unknown): boolean {
    if (!(error instanceof ApiError) || !error.away) return false;
    this.reason = error.status === 0 ? 'The server does not answer.' : error.message;
    if (!this.down) {
      this.down = true;
      this.#delay = 1;
      this.#count(this.#delay);
    }
    return true;
  }

  async tryNow(): Promise<void> {
    clearTimeout(this.#timer);
    this.wait = 0;
    if (await healthy()) {
      this.down = false;
      for (const resume of this.#resume) resume();
      return;
    }
    this.#delay = Math.min(this.#delay * 2, 15);
    this.#count(this.#delay);
  }

  #count(seconds: number): void {
    this.wait = seconds;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (seconds <= 1 ? void this.tryNow() : this.#count(seconds - 1)), 1000);
  }
}

export const connection = new Connection();
