'use strict';

// The way to the gateway: where it is, with whose right, and what it says when it says no.

const base = (bundle) => bundle.authData.base_url.trim().replace(/\/+$/, '');

// An address of the API; each part is one segment, whatever stands in it.
const api = (bundle, ...parts) => `${base(bundle)}/api/v1/${parts.map(encodeURIComponent).join('/')}`;

// An address that takes events.
const hook = (bundle, source) => `${base(bundle)}/hooks/${encodeURIComponent(source)}`;

// The token is for the API alone: a source has a secret of its own.
const withToken = (request, z, bundle) => {
  if (bundle.authData.base_url && request.url.startsWith(`${base(bundle)}/api/`)) {
    request.headers.Authorization = `Bearer ${bundle.authData.token}`;
  }
  return request;
};

// The gateway says what is wrong and where; that is what the user reads.
const told = (response, z) => {
  if (response.status < 400 || response.skipThrowForStatus) {
    return response;
  }
  let problem = {};
  try {
    problem = JSON.parse(response.content);
  } catch {
    // Somebody else answered: a proxy, or no gateway at all.
  }
  const detail = problem.detail || `the gateway answered ${response.status}`;
  if (response.status === 401 || response.status === 403) {
    throw new z.errors.Error(detail, 'AuthenticationError', response.status);
  }
  if (response.status === 429 || response.status === 503) {
    throw new z.errors.ThrottledError(detail, Number(response.getHeader('retry-after')) || 60);
  }
  throw new z.errors.Error(detail, problem.title || 'tagrelay', response.status);
};

// What is given of some fields.
const given = (inputData, keys) =>
  Object.fromEntries(keys.filter((key) => inputData[key]).map((key) => [key, inputData[key]]));

module.exports = { api, hook, withToken, told, given };
