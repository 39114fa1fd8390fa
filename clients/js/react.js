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

// Calls these for each update, as they were given to the last render. `series`
// is another one when what was given before is no longer there.
function useStream(tenant, series, options) {
  const { url, token, since, onUpdate, onGap, onState } = options;
  const callbacks = useRef({});
  const left = useRef(null); // name and position of the subscription before
  const name = nameOf(tenant, options) + series;

  useEffect(() => {
    callbacks.current = { onUpdate, onGap, onState };
  });

  useEffect(() => {
    if (isNone(tenant)) {
      left.current = null;
      return undefined;
    }
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
  useStream(tenant, 0, { ...options, onUpdate });
}

function begin(name, tenant, series) {
  const state = { name: isNone(tenant) ? 'idle' : 'connecting' };
  return { name, series, updates: [], last: null, state, gaps: [] };
}

const append = (list, item, max) =>
  (max > 0 ? [...list.slice(1 - max || list.length), item] : []);

// What comes of the series before, which ends a moment after the new one has
// begun, is for nobody.
function reduce(view, { type, value, series, max }) {
  if (type === 'begin')
    return value;
  if (series !== view.series)
    return view;
  switch (type) {
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
  const { url, token, since, max = 100 } = options;
  const name = nameOf(tenant, options);
  const [kept, dispatch] = useReducer(reduce, 0, (series) =>
    begin(name, tenant, series));
  let view = kept;

  // Already while rendering: nobody may see the updates of another tenant.
  if (kept.name !== name) {
    view = begin(name, tenant, kept.series + 1);
    dispatch({ type: 'begin', value: view });
  }
  const { series, updates, last, state, gaps } = view;
  const put = (type) => (value) => dispatch({ type, value, series, max });
  const putUpdate = put('update');
  useStream(tenant, series, { url, token, since,
    onUpdate: (data, { epoch, seq, time, tenant: id }) =>
      putUpdate({ data, tenant: id, epoch, seq, time }),
    onGap: put('gap'),
    onState: put('state'),
  });
  return { updates, last, state, gaps };
}
