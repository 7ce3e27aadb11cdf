/** Change sets are applied to the tables of the target, each once and in order. */
package io.pgcaravan.ship.importer;
