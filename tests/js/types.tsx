// SPDX-License-Identifier: MIT
//
// Uses of clients/js that the compiler must take, and some that it must not.

import { publish, subscribe } from '@wsd/client';
import type { Gap, Meta, Position, PublishError, Since, State } from '@wsd/client';
import { useSubscription, useUpdates } from '@wsd/client/react';

interface Job {
  job: number;
  done?: boolean;
}

const subscription = subscribe<Job>('/ws', 'tenant-1', (update, meta) => {
  const text: string = `${update.job} ${meta.seq} ${meta.text}`;
  const position: Position = meta;
  console.log(text, position);
}, {
  token: async ({ reason }) => (reason === 'expiring' ? null : 'token'),
  since: { age: '10m' },
  onGap: (gap: Gap) => console.log(gap.from ?? gap.reason),
  onState: (state: State) => {
    switch (state.name) {
    case 'waiting':
      console.log(state.why, new Date(state.at ?? 0));
      break;
    case 'closed':
      console.log(state.why, state.code, state.message);
    }
  },
});

const position: Position | null = subscription.position;
subscription.close();

for (const since of [null, 'all', 10, { age: 5 }, { epoch: 'e', seq: 1 },
  position] satisfies Since[])
  subscribe(undefined, 1, () => {}, { since, token: 'token' });
subscribe(new URL('ws://server/ws'), 't', (data: unknown, meta: Meta) =>
  console.log(data, meta.time));

publish('/ws', 't', { job: 1 }, { token: () => 'token', key: 'k' })
  .then(({ seq, duplicate }) => console.log((seq ?? 0) + 1, duplicate))
  .catch((error: PublishError) => console.log(error.code, error.message));

export function Jobs({ tenant }: { tenant: string | null }) {
  const { updates, last, state, gaps } = useUpdates<Job>(tenant, { max: 10 });
  useSubscription<Job>(tenant, ({ job }) => console.log(job),
    { url: null, onGap: ({ reason }) => console.log(reason) });
  return (
    <p title={state.name === 'idle' ? '' : state.name}>
      {updates.map(({ data, seq }) => `${seq}: ${data.job}`)}
      {last?.data.done} {gaps.length}
    </p>
  );
}

// @ts-expect-error: there is no such beginning
subscribe('/ws', 't', () => {}, { since: 'yesterday' });
// @ts-expect-error: a position has both
subscribe('/ws', 't', () => {}, { since: { epoch: 'e' } });
// @ts-expect-error: this is no callback
subscribe('/ws', 't');
// @ts-expect-error: nor is this a tenant
subscribe('/ws', {}, () => {});
// @ts-expect-error: nobody may change it
subscription.tenant = 'u';
