/** Change sets: triggers note which rows of a table change, an export writes them to files, an import applies them elsewhere. */
package io.pgcaravan.ship;
