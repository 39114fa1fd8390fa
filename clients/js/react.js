// SPDX-License-Identifier: MIT
//
// @wsd/client/react - updates of a tenant in a component.
//
// What has been given is never lost or given again while a component lives: a
// subscription that takes the place of another one for the same updates (in
// StrictMode, after <Activity> has hidden it, with another token) begins behind
// the last update of that one.

import { useEffect, useReducer, useRef } from 'react';
import { subscribe } from './client.js';

// What a subscription is for; another one begins anew.
function nameOf(tenant, { url, since }) {
  return JSON.stringify([String(url ?? ''), tenant ?? null, since ?? null]);
}

const isNone = (tenant) => tenant === undefined || tenant === null ||
  tenant === '';

/**
 * Calls `onUpdate(data, meta)`, as it was given to the last render, for each
 * update of the tenant. Without a tenant (undefined, null, '') it does nothing.
 *
 * `token`, where it is a function, should be the same in all components that
 * are to share a connection, and so not be made in one. The one that the
 * subscription began with is the one that is asked.
 *
 * @param {string | number | null | undefined} tenant
 * @param {(data: unknown, meta: object) => void} onUpdate
 * @param {object} [options] url, token, since, onGap, onState
 */
export function useSubscription(tenant, onUpdate, options = {}) {
  const { url, token, since, onGap, onState } = options;
  const callbacks = useRef({});
  const left = useRef(null); // name and position of the subscription before
  const name = nameOf(tenant, options);

  useEffect(() => {
    callbacks.current = { onUpdate, onGap, onState };
  });

  useEffect(() => {
    if (isNone(tenant))
      return undefined;
    const call = (which) => (...args) => callbacks.current[which]?.(...args);
    const position = left.current?.name === name ? left.current.position : null;
    const subscription = subscribe(url, tenant, call('onUpdate'), {
      token, since: position ?? since, onGap: call('onGap'),
      onState: call('onState'),
    });
    return () => {
      left.current = { name, position: subscription.position };
      subscription.close();
    };
    // `name` has url, tenant and since in it.
  }, [name, typeof token === 'function' ? 'function' : token]);
}

function begin([name, isIdle]) {
  const state = { name: isIdle ? 'idle' : 'connecting' };
  return { name, updates: [], last: null, state, gaps: [] };
}

const append = (list, item, max) =>
  (max > 0 ? [...list.slice(1 - max || list.length), item] : []);

function reduce(view, { type, name, value, max }) {
  switch (type) {
  case 'begin':
    return begin([name, value]);
  case 'update':
    return { ...view, updates: append(view.updates, value, max), last: value };
  case 'gap':
    return { ...view, gaps: append(view.gaps, value, max) };
  case 'state':
    return { ...view, state: value };
  }
}

/**
 * The last `max` (100) updates of the tenant, oldest first, and how it stands.
 * With another tenant, url or since it begins anew.
 *
 * @param {string | number | null | undefined} tenant
 * @param {object} [options] url, token, since, max
 * @returns {{ updates: object[], last: object | null, state: object,
 *   gaps: object[] }}
 */
export function useUpdates(tenant, options = {}) {
  const { max = 100 } = options;
  const name = nameOf(tenant, options);
  const first = [name, isNone(tenant)];
  const [kept, dispatch] = useReducer(reduce, first, begin);
  const put = (type, value) => dispatch({ type, name, value, max });
  let view = kept;

  // Already while rendering: nobody may see the updates of another tenant.
  if (kept.name !== name) {
    put('begin', isNone(tenant));
    view = begin(first);
  }
  useSubscription(tenant, (data, { epoch, seq, time, tenant: id }) =>
    put('update', { data, tenant: id, epoch, seq, time }), {
    ...options,
    onGap: (gap) => put('gap', gap),
    onState: (state) => put('state', state),
  });
  const { updates, last, state, gaps } = view;
  return { updates, last, state, gaps };
}
