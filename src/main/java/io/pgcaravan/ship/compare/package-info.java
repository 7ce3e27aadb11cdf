/** Finds the rows in which a table differs from its copy, in two databases or by files, and has them shipped again. */
package io.pgcaravan.ship.compare;
