import { Client } from '@elastic/elasticsearch';

export function open(node, options, onError) {
  const client = new Client({ node, ...options });
  let operations = [];
  return {
    emit: (n) => operations.push({ create: { _index: 'logs-faults' } }, { '@timestamp': new Date().toISOString(), message: `probe ${n}` }),
    flush: async () => {
      try {
        const answer = await client.bulk({ operations });
        if (answer.errors) {
          onError(JSON.stringify(answer.items));
        }
      } catch (error) {
        onError(error);
      }
      operations = [];
    },
    close: () => client.close(),
  };
}
