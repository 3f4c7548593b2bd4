// Light, dark, or as the system has it.
import { keep, recall } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';
const order: Theme[] = ['system', 'light', 'dark'];

class ThemeChoice {
  value: Theme = $state('system');

  constructor() {
    const stored = recall('theme') as Theme | null;
    this.set(stored && order.includes(stored) ? stored : 'system');
  }

  set(theme: Theme): void {
    this.value = theme;
    document.documentElement.dataset.theme = theme;
    keep('theme', theme);
  }

  next(): void {
    this.set(order[(order.indexOf(this.value) + 1) % order.length]!);
  }
}

export const theme = new ThemeChoice();
