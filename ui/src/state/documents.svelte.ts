// The documents and the one that is open in the editor.
import { ApiError, deleteDocument, listDocuments, readDocument, writeDocument, type DocumentInfo } from '../api.ts';
import { checkJson } from '../lib/json.ts';
import { connection } from './connection.svelte.ts';
import { notices } from './notices.svelte.ts';
import { here } from './place.svelte.ts';

class Documents {
  list: DocumentInfo[] = $state.raw([]);
  prefix = $state('');
  loaded = $state(false);
  error = $state('');

  /** The key in the editor: of a stored document, or being typed for a new one. */
  key = $state('');
  isNew = $state(false);
  text = $state('');
  /** The text as stored, to know whether there is something to save. */
  stored = $state('');
  saving = $state(false);
  opening = $state(false);
  saveError = $state('');

  get dirty(): boolean {
    return this.editing && this.text !== this.stored;
  }
  get editing(): boolean {
    return this.isNew || here.current.document !== undefined;
  }
  problem = $derived(this.text.trim() === '' ? null : checkJson(this.text));
  canSave = $derived(this.key !== '' && this.text.trim() !== '' && !this.problem && !this.saving);

  async refresh(): Promise<void> {
    try {
      const prefix = this.prefix;
      const list = await listDocuments(prefix);
      if (prefix !== this.prefix) return;
      this.list = list;
      this.error = '';
    } catch (e) {
      if (!connection.took(e)) this.error = message(e);
    } finally {
      this.loaded = true;
    }
  }

  /** Opens what the address names. */
  async openCurrent(): Promise<void> {
    const key = here.current.document;
    this.isNew = false;
    this.saveError = '';
    if (key === undefined) return;
    this.key = key;
    this.text = this.stored = '';
    this.opening = true;
    try {
      const text = await readDocument(key);
      if (here.current.document === key) this.text = this.stored = text;
    } catch (e) {
      if (connection.took(e)) return;
      if (e instanceof ApiError && e.status === 404) this.saveError = 'There is no document with this key (any more). Saving makes it anew.';
      else this.saveError = message(e);
    } finally {
      this.opening = false;
    }
  }

  open(key: string): Promise<void> {
    here.go({ view: 'documents', document: key });
    return this.openCurrent();
  }

  /** An empty editor for a new document. */
  begin(): void {
    const { document: _, ...rest } = here.current;
    here.current = rest;
    this.isNew = true;
    this.key = '';
    this.text = '{\n  \n}';
    this.stored = '';
    this.saveError = '';
  }

  leave(): void {
    this.isNew = false;
    this.saveError = '';
    if (here.current.document !== undefined) here.go({ document: undefined as never });
  }

  async save(): Promise<void> {
    if (!this.canSave) return;
    if (this.isNew && this.list.some((d) => d.Key === this.key)) {
      this.saveError = 'There is a document with this key already. Open it to change it.';
      return;
    }
    const { key, text } = this;
    this.saving = true;
    this.saveError = '';
    try {
      await writeDocument(key, text);
      this.stored = text;
      this.isNew = false;
      here.go({ view: 'documents', document: key });
      notices.show({ text: `${key} saved.` });
      await this.refresh();
    } catch (e) {
      if (!connection.took(e)) this.saveError = message(e);
      else this.saveError = 'Not saved: the server does not answer.';
    } finally {
      this.saving = false;
    }
  }

  /** Deletes at once, and offers to undo. */
  async remove(key: string): Promise<void> {
    try {
      const text = await readDocument(key);
      await deleteDocument(key);
      if (here.current.document === key) this.leave();
      notices.show({ text: `${key} deleted.`, action: { label: 'Undo', run: () => void this.#restore(key, text) } });
      await this.refresh();
    } catch (e) {
      if (!connection.took(e)) notices.show({ text: `Not deleted: ${message(e)}`, bad: true });
    }
  }

  async #restore(key: string, text: string): Promise<void> {
    try {
      await writeDocument(key, text);
      notices.show({ text: `${key} is back.` });
      await this.refresh();
      await this.open(key);
    } catch (e) {
      notices.show({ text: `Not restored: ${message(e)}`, bad: true, action: { label: 'Try again', run: () => void this.#restore(key, text) } });
    }
  }
}

function message(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

export const documents = new Documents();
