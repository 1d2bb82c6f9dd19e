"""Guess which file is which standard table, and which column is which."""

import re
from dataclasses import dataclass

from helpers.runs import mapping
from helpers.sources import sniffing
from helpers.sources.sniffing import Look

# Standard column -> names that exports give it, in capitals and without spaces or marks.
NAMES = {
    "customer_id": "CUSTOMERID CUSTOMERNO CUSTOMERNUMBER CUSTOMERCODE CUSTOMER CUSTID CLIENTID "
    "CLIENT CLIENTE IDCLIENTE CODECLIENT NUMEROCLIENT KUNDENNR KUNDENNUMMER "
    "KUNDE KUNDENID KLANTNR KLANT KLANTNUMMER USERID BUYERID ACCOUNTID ACCOUNT "
    "HOUSEHOLDID MEMBERID EMAIL PARTNERID ID",
    "order_id": "ORDERID ORDERNO ORDERNUMBER ORDER INVOICENO INVOICEID INVOICE "
    "INVOICENUMBER BASKETID TRANSACTIONID RECEIPTNO RECEIPTID BESTELLNR "
    "BESTELLNUMMER AUFTRAGSNR AUFTRAG RECHNUNGSNR RECHNUNG BELEGNR COMMANDE "
    "NUMEROCOMMANDE NOCOMMANDE FACTURE PEDIDO NUMEROPEDIDO FACTURA ORDERNUMMER "
    "BESTELLING SALESORDER NAME",
    "ordered_at": "ORDERDATE ORDEREDAT INVOICEDATE DATE DATETIME TIMESTAMP CREATEDAT "
    "PURCHASEDATE TRANSACTIONDATE SALEDATE ORDERTIME DATUM BESTELLDATUM "
    "AUFTRAGSDATUM RECHNUNGSDATUM BELEGDATUM DATECOMMANDE DATEFACTURE FECHA "
    "FECHAPEDIDO BESTELDATUM ORDERDATUM DATA",
    "product_id": "PRODUCTID PRODUCTCODE PRODUCT SKU STOCKCODE ITEMNO ITEMID ITEM ITEMCODE "
    "ARTICLEID ARTICLE ARTIKELNR ARTIKELNUMMER ARTIKEL LINEITEMSKU PRODUIT "
    "CODEPRODUIT REFERENCE REF PRODUCTO ARTICULO ASIN EAN UPC CODARTICULO",
    "quantity": "QUANTITY QTY UNITS PIECES COUNT LINEITEMQUANTITY MENGE ANZAHL STUECK STÜCK "
    "QUANTITE QUANTITÉ QTE QTÉ CANTIDAD AANTAL NUMBEROFCDS QUANTITA",
    "unit_price": "UNITPRICE PRICE PRICEEACH ITEMPRICE LINEITEMPRICE EINZELPREIS STUECKPREIS "
    "PREIS PRIXUNITAIRE PRIX PRECIOUNITARIO PRECIO PRIJS STUKPRIJS PREZZO",
    "amount": "AMOUNT LINETOTAL TOTAL SALES SALESVALUE REVENUE NETAMOUNT LINEAMOUNT "
    "TOTALPRICE SUBTOTAL BETRAG UMSATZ GESAMT GESAMTPREIS NETTO SUMME MONTANT "
    "MONTANTHT TOTALHT IMPORTE BEDRAG OMZET VALUE DOLLARVALUE SPEND IMPORTO",
    "shelf_amount": "SHELFAMOUNT LISTAMOUNT LISTPRICE GROSSAMOUNT",
    "currency": "CURRENCY WAEHRUNG WÄHRUNG DEVISE MONEDA VALUTA CURRENCYCODE",
    "store_id": "STOREID STORE SHOP FILIALE MAGASIN TIENDA WINKEL BRANCH",
    "channel": "CHANNEL SALESCHANNEL KANAL CANAL KANAAL SOURCENAME",
    "category": "CATEGORY PRODUCTCATEGORY PRODUCTGROUP GROUP WARENGRUPPE KATEGORIE "
    "CATEGORIE CATÉGORIE FAMILLE CATEGORIA CATEGORÍA CATEGORIEEN PRODUCTTYPE "
    "LINE",
    "department": "DEPARTMENT ABTEILUNG RAYON DEPARTAMENTO AFDELING",
    "brand": "BRAND MARKE MARQUE MARCA MERK VENDOR MANUFACTURER HERSTELLER",
    "campaign_id": "CAMPAIGNID CAMPAIGN KAMPAGNE CAMPAGNE CAMPANA CAMPAÑA CAMPAIGNCODE",
    "kind": "KIND TYPE CAMPAIGNTYPE ART INTERACTIONTYPE",
    "starts_on": "STARTSON STARTDATE START BEGIN BEGINN FROM VON DEBUT INICIO",
    "ends_on": "ENDSON ENDDATE END ENDE TO BIS FIN",
    "cost": "COST COSTPERCONTACT KOSTEN COUT COSTE",
    "arm": "ARM GROUP TESTGROUP TESTORCONTROL GRUPPE",
    "responded_on": "RESPONDEDON RESPONSEDATE REDEEMEDON REDEMPTIONDATE",
    "answered_on": "ANSWEREDON ANSWERDATE SURVEYDATE RESPONSEDATE DATE DATUM",
    "question": "QUESTION QUESTIONID ITEM FRAGE PREGUNTA",
    "score": "SCORE RATING NPS VALUE ANSWER PUNKTE NOTE",
    "contract_id": "CONTRACTID CONTRACT CONTRACTNO VERTRAGSNR VERTRAG CONTRAT CONTRATO",
    "monthly_fee": "MONTHLYFEE FEE MONTHLYPRICE MONATSGEBUEHR MRR",
    "renewed": "RENEWED RENEWAL VERLAENGERT",
    "happened_at": "HAPPENEDAT DATE DATETIME TIMESTAMP CREATEDAT DATUM",
    "topic": "TOPIC SUBJECT THEMA BETREFF SUJET",
    "outcome": "OUTCOME STATUS RESULT ERGEBNIS",
    "minutes": "MINUTES RESPONSEMINUTES FIRSTRESPONSEMINUTES",
    "lead_id": "LEADID LEAD PROSPECTID",
    "created_on": "CREATEDON CREATEDAT CREATED DATE DATUM",
    "won_on": "WONON WONDATE CLOSEDWON CONVERTEDON",
}


@dataclass(frozen=True)
class Guess:
    """One file's columns as a standard table.

    Parameters
    ----------
    table : str
        Standard table.
    seen : Look
        The file.
    columns : dict of str
        Standard column -> column of the file, or `=` and a value.
    others : dict of str
        Standard column -> further columns it could be.
    notes : dict of str
        Standard column -> why it was chosen.
    """

    table: str
    seen: Look
    columns: dict[str, str]
    others: dict[str, list[str]]
    notes: dict[str, str]


def plain(name: str) -> str:
    """Write a column's name in capitals, without spaces and marks."""
    return re.sub(r"[\W_]+", "", name).upper()


def by_name(seen: Look, table: str) -> Guess:
    """Match a file's columns to a table's by their names."""
    wanted = mapping.COLUMNS[table]
    columns, others = {}, {}
    for standard in wanted:
        order = NAMES.get(standard, "").split()
        ranked = sorted(
            (order.index(plain(name)), name)
            for name in seen.columns
            if plain(name) in order and name not in columns.values()
        )
        if ranked:
            columns[standard] = ranked[0][1]
            others[standard] = [name for _, name in ranked[1:]]
    return Guess(table, seen, columns, others, dict.fromkeys(columns, "by its name"))


def by_content(guess: Guess) -> Guess:
    """Fill the columns of order lines that no name told, by what the samples hold."""
    columns, notes = dict(guess.columns), dict(guess.notes)
    samples = guess.seen.columns

    def free() -> list[str]:
        return [name for name in samples if name not in columns.values()]

    def take(standard: str, found: list[str], why: str) -> None:
        if standard not in columns and found:
            columns[standard], notes[standard] = found[0], why

    dates = [name for name in free() if sniffing.date_forms(samples[name])]
    take("ordered_at", dates, "it holds dates")
    numbers = [
        n for n in free() if samples[n] and all(map(sniffing.is_number, samples[n]))
    ]
    broken = [n for n in numbers if any(re.search(r"[.,]\d", t) for t in samples[n])]
    if "unit_price" not in columns:
        take("amount", broken, "it holds numbers with decimals")
    small = [n for n in numbers if n in free() and all(len(t) < 4 for t in samples[n])]
    take("quantity", small, "it holds small whole numbers")
    repeated = [n for n in free() if sniffing.share_unique(samples[n]) < 0.9]
    take("customer_id", repeated, "its values come back")
    return Guess(guess.table, guess.seen, columns, guess.others, notes)


def lacks(guess: Guess) -> list[str]:
    """Name the required columns that a guess has not found."""
    return [
        name
        for name, kind in mapping.COLUMNS[guess.table].items()
        if kind[-1] != "?" and name not in guess.columns
    ]


def match(looks: list[Look]) -> list[Guess]:
    """Give each table the file that fits it; order lines choose first.

    Parameters
    ----------
    looks : list of Look
        The files of a folder, the largest first.

    Returns
    -------
    list of Guess
        One a table that was found. Order lines are always among them.
    """
    if not looks:
        return []

    def fit(seen: Look) -> tuple[int, int]:
        guess = by_name(seen, "lines")
        money = bool({"amount", "unit_price"} & guess.columns.keys())
        return len(guess.columns) - len(lacks(guess)) + 2 * money, seen.rows

    best = max(looks, key=fit)
    found = [_completed(by_content(by_name(best, "lines")))]
    left = [seen for seen in looks if seen is not best]
    for table in ("contracts", "leads", "surveys", "responses", "contacts"):
        left = _claim(table, left, found)
    for table in ("interactions", "campaigns", "products", "customers"):
        left = _claim(table, left, found)
    return found


def _claim(table: str, left: list[Look], found: list[Guess]) -> list[Look]:
    """Give a table the first file that has all it needs; return the files left."""
    for seen in left:
        guess = by_name(seen, table)
        columns = guess.columns
        named = any(word in seen.file.stem.lower() for word in (table, table[:-1]))
        enough = len(columns) > 1 or table == "customers" or named
        if not lacks(guess) and enough and len(seen.columns) > 1:
            found.append(guess)
            return [other for other in left if other is not seen]
    return left


def _completed(guess: Guess) -> Guess:
    """Give order lines a value where no column tells what is required."""
    columns, notes = dict(guess.columns), dict(guess.notes)
    stand_in = {
        "order_id": (
            mapping.DERIVED,
            "no column found: one order a customer and day"
            if "product_id" in columns
            else "no column found: each line is an order",
        ),
        "product_id": ("=unknown", "no column found: products are not told apart"),
        "quantity": ("=1", "no column found: every line counts as one piece"),
    }
    for name, (value, why) in stand_in.items():
        if name not in columns:
            columns[name], notes[name] = value, why
    if "amount" in columns and "unit_price" in columns:
        notes["amount"] = "as paid; remove it to use quantity x unit_price"
    return Guess(guess.table, guess.seen, columns, guess.others, notes)
