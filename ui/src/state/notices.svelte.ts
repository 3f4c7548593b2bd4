// Short notices at the page's foot, one at a time, with at most one thing to do.

export interface Notice {
  text: string;
  bad?: boolean;
  action?: { label: string; run: () => void };
}

class Notices {
  current: Notice | null = $state.raw(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(notice: Notice, seconds = notice.action ? 10 : 4): void {
    this.current = notice;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.current = null), seconds * 1000);
  }

  dismiss(): void {
    clearTimeout(this.#timer);
    this.current = null;
  }
}

export const notices = new Notices();
