/** The files of a change set: their names, contents, and how they are published in a drop directory. */
package io.pgcaravan.ship.format;
