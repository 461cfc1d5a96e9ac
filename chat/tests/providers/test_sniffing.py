import pytest

from chat.providers import sniffing

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 20
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@pytest.mark.parametrize(
    ("head", "kind", "mime"),
    [
        (PNG, "image", "image/png"),
        (PDF, "document", "application/pdf"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image", "image/jpeg"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00", "audio", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypiso5\x00\x00\x00\x00", "video", "video/mp4"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio", "audio/mpeg"),
        ("código;preço\n1;R$ 9,90\n".encode("latin-1"), "document", "text/plain"),
        (b'<?xml version="1.0"?><nfeProc versao="4.00"></nfeProc>', "document", "text/plain"),
    ],
)
def test_the_bytes_say_what_it_is(head, kind, mime):
    found = sniffing.sniff(head)

    assert (found.kind, found.mime) == (kind, mime)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\x7fELF\x02\x01\x01\x00",
        b"#!/bin/sh\nrm -rf /\n",
        b"  <!DOCTYPE html><title>x</title>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b'<?xml version="1.0"?><svg onload="x()"/>',
        b"\x00\x01\x02\x03binary",
    ],
)
def test_programs_pages_and_unknown_bytes_are_not_taken(head):
    assert sniffing.sniff(head) is None


@pytest.mark.parametrize(
    ("name", "found", "kept"),
    [
        ("../../etc/passwd", sniffing.TEXT, "passwd.txt"),
        ("C:\\fotos\\bolo.PNG", sniffing.KNOWN["png"], "bolo.png"),
        ("virus.exe", sniffing.KNOWN["pdf"], "virus.pdf"),
        ("conta\u202efdp.txt", sniffing.KNOWN["pdf"], "contafdp.pdf"),
        ("pedidos.csv", sniffing.TEXT, "pedidos.csv"),
        ("Nota v1. final", sniffing.TEXT, "Nota v1. final.txt"),
        ("foto.jpeg", sniffing.KNOWN["jpg"], "foto.jpeg"),
        ("\x00\n", sniffing.KNOWN["pdf"], "file.pdf"),
        ("ã" * 400 + ".pdf", sniffing.KNOWN["pdf"], "ã" * 150 + ".pdf"),
    ],
)
def test_a_name_tells_the_truth_and_no_folder(name, found, kept):
    assert sniffing.file_name(name, found) == kept
