// Small things remembered in this browser. A browser that refuses to is no error.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem('stele.' + name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem('stele.' + name, value);
  } catch {
    // Private mode or a full quota: the page works, it only forgets.
  }
}
