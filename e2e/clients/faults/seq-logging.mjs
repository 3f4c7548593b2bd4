import { Logger } from 'seq-logging';

export function open(serverUrl, options, onError) {
  const logger = new Logger({ serverUrl, onError, ...options });
  return {
    emit: (n) => logger.emit({ level: 'Information', messageTemplate: 'probe {n}', properties: { n } }),
    flush: () => logger.flush(),
    close: () => logger.close(),
  };
}
