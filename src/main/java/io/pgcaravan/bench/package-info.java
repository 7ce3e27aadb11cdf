/** Measures pgcaravan beside psql, in one run. */
package io.pgcaravan.bench;
