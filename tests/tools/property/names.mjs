// SPDX-License-Identifier: MIT
//
// names - tenant ids that are easily taken for one another, patterns of them,
// and the oracle's own idea of which matches which: that of wstoken(1).

const ALL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-';

export const tenants = [
  'a', 'acm', 'acme', 'acme-', 'acme-1', 'acme-10', 'acme-1-', 'acme--',
  'acmex', 'Acme', 'ACME', 'acme.1', 'acme:1', 'acme@1', 'acme_1', 'b',
  '-', '--', '...', '.a', '@', ':', '_', '0', '1', '10', '100', '-1',
  ALL, 'x'.repeat(127), 'x'.repeat(128), `${'x'.repeat(127)}y`,
];

// None is a tenant id; a request with one is refused whoever sends it.
export const noTenants = [
  '', '.', '..', 'acme*', 'acme-*', 'a b', 'acme/1', 'acme\u0000', 'acmé',
  'acme\n', ' acme', '%61cme', 'x'.repeat(129), '*a', '**',
];

// None is a pattern; a token with one is refused.
export const noPatterns = [
  '', '.', '..', '**', '*a', 'a*b', 'acme-**', 'a b*', 'acmé*', 'a,b',
  'x'.repeat(129), `${'x'.repeat(129)}*`,
];

export function matches(pattern, tenant) {
  return pattern.endsWith('*') ? tenant.startsWith(pattern.slice(0, -1))
    : pattern === tenant;
}

// Whether one of `outer` matches all that `inner` does.
export function isWithin(inner, outer) {
  return outer.some((pattern) => pattern === inner || (pattern.endsWith('*') &&
    inner.replace(/\*$/, '').startsWith(pattern.slice(0, -1))));
}

// A tenant id, the beginning of one, or all.
export function randomPattern(random) {
  const tenant = random.pick(tenants);
  return random.weighted([
    [10, () => tenant],
    [7, () => `${tenant.slice(0, random.int(tenant.length + 1))}*`],
    [3, () => `${tenant}*`],
    [1, () => '*'],
    [1, () => random.pick(['.*', '..*', 'nobody', 'nobody-*'])],
  ])();
}

export function randomPatterns(random) {
  const count = random.weighted([[3, 0], [5, 1], [4, 2], [2, 3], [1, 6]]);
  return Array.from({ length: count }, () => randomPattern(random));
}
